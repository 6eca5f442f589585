import type { WireEvent } from '../../functions/core/event.ts'
import { type Lane, toPosition } from '../../functions/core/lane.ts'
import { encodeHeartbeat, encodeRecord, type LogRecord } from '../../functions/core/record.ts'
import { slotOf } from '../../functions/core/slot.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { CLASS_NAMES, NOON_MS, wireEvent } from '../support/factories.ts'
import { seeded } from '../support/seeded.ts'

export const SLOT_MS = HOUR_MS
const RECORDS = 300
const SLOTS = 8

export const LANES: readonly Lane[] = ['log.0', 'log.1'].map(name => ({ name, parents: [], closed: false }))

/** Records of two lanes, some of them sent twice. The same seed gives the same records in every process. */
export function recordsOf(seed: number): ReadonlyMap<string, readonly LogRecord[]> {
  const random = seeded(seed)
  const whole = (below: number) => Math.floor(random.next() * below)
  const lanes = LANES.map(({ name }, lane): [string, LogRecord[]] => {
    const records: LogRecord[] = []
    let last: Uint8Array = Buffer.of()
    const add = (arrivalMs: number, data: Uint8Array) =>
      records.push({ lane: name, position: toPosition(records.length + 1), arrivalMs, data })
    for (let counter = 1; counter <= RECORDS; counter++) {
      // Arrival times go back by up to a slot.
      const arrivalMs = NOON_MS + Math.floor(((counter - random.next() * 30) / RECORDS) * SLOTS * SLOT_MS)
      if (counter > 1 && random.next() < 0.2) add(arrivalMs, last)
      last = encodeRecord({ producer: `producer-${lane}`, counter }, eventsOf(`${lane}-${counter}`, whole(5), whole))
      add(arrivalMs, last)
    }
    // After all of them, so that every slot with an event becomes complete.
    for (let slot = 1; slot <= 3; slot++) {
      const arrivalMs = NOON_MS + (SLOTS + slot) * SLOT_MS
      add(arrivalMs, encodeHeartbeat(arrivalMs))
    }
    return [name, records]
  })
  return new Map(lanes)
}

function eventsOf(name: string, count: number, whole: (below: number) => number): WireEvent[] {
  return Array.from({ length: count }, (_, line) =>
    wireEvent({
      image_id: `${name}-${line}`,
      class_name: CLASS_NAMES[whole(CLASS_NAMES.length)],
      ndvi_mean: (whole(2_000_001) - 1_000_000) / 1e6,
      timestamp: new Date(NOON_MS - (2 + whole(48)) * HOUR_MS).toISOString(),
    }),
  )
}

/** Events of records that arrived before a cut, each once, in the slot of the first copy. */
export function eventsBefore(records: ReadonlyMap<string, readonly LogRecord[]>, cut: number): WireEvent[] {
  const events: WireEvent[] = []
  for (const lane of records.values()) {
    const seen = new Set<string>()
    for (const { data, arrivalMs } of lane) {
      const [header = '', ...lines] = Buffer.from(data).toString().split('\n')
      if (seen.has(header)) continue
      seen.add(header)
      if (slotOf(arrivalMs, SLOT_MS) < cut) events.push(...lines.map(line => JSON.parse(line) as WireEvent))
    }
  }
  return events
}
