import type { Decision } from '../core/incidents/decisions.ts'
import { formatTimestamp } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** Decisions are numbered objects that are put if absent. They never change. */
export const DECISIONS_PREFIX = 'decisions/'

const FORMAT = 1

type Body<Of> = Of extends Decision ? Omit<Of, 'number' | 'at'> : never
/** Decision before it is stored. */
export type NewDecision = Body<Decision>

/** Decisions of a system. */
export interface Decisions {
  /** Reads all decisions, in the order of their numbers. Decisions that were read before are not read again. */
  all(): Promise<readonly Decision[]>
  /** Stores a decision under the next number, also while others do so. */
  add(decision: NewDecision, atMs: number): Promise<Decision>
}

/** Opens the stored decisions. */
export function openDecisions(objects: ObjectStore): Decisions {
  const known: Decision[] = []
  const read = async () => {
    const after = known.length === 0 ? '' : keyOf(known.length)
    for await (const key of objects.list(DECISIONS_PREFIX, after)) {
      const next = keyOf(known.length + 1)
      // Another call has read it in the meantime.
      if (key < next) continue
      const bytes = await objects.get(key)
      if (key === keyOf(known.length + 1)) known.push(decode(key, bytes))
      else if (key > next) throw new Error(`the object ${next} is missing: restore it from a backup`)
    }
    return known
  }
  return {
    all: async () => [...(await read())],
    async add(decision, atMs) {
      for (;;) {
        const number = (await read()).length + 1
        const stored = { ...decision, number, at: formatTimestamp(atMs) } as Decision
        const bytes = Buffer.from(JSON.stringify({ format: FORMAT, ...stored }))
        if (await objects.putIfAbsent(keyOf(number), bytes)) return stored
      }
    },
  }
}

function keyOf(number: number): string {
  return `${DECISIONS_PREFIX}${String(number).padStart(12, '0')}.json`
}

function decode(key: string, bytes: Uint8Array | undefined): Decision {
  let decoded: Decision & { format: number }
  try {
    decoded = JSON.parse(Buffer.from(bytes ?? []).toString('utf8'))
  } catch {
    throw new Error(`the object ${key} is not a JSON document: restore it from a backup`)
  }
  const { format, ...decision } = decoded
  if (format === FORMAT) return decision
  throw new Error(`the object ${key} has format ${format}: run the landcover that wrote it`)
}
