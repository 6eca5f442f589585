import type { Lane, Position } from '../core/lane.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { Beats, LogMetadata } from '../ports/event-log.ts'
import type { ObjectStore } from '../ports/object-store.ts'

export const LOG_METADATA_PREFIX = 'log/'
const KEY = `${LOG_METADATA_PREFIX}outline.json`

/** Maximum age of a list of lanes, ms. An older list is not used, because a lane may have opened since. */
const LONGEST_AGE_MS = 10 * MINUTE_MS

interface Published {
  identity: string
  /** Time just before the lanes were listed, ms. */
  listedMs: number
  lanes: Lane[]
  /** First position by lane, if the log can tell: see LogMetadata. Absent in older metadata. */
  firstKept?: Record<string, Position>
  /** Last two heartbeats of each lane, the older first. */
  beats: Record<string, { position: Position; sentMs: number }[]>
}

/**
 * Publishes a log's metadata for functions that cannot reach the log, because they are outside the network of the Kafka
 * brokers.
 *
 * @returns function that publishes the result of a round of heartbeats that started at `sentMs`
 */
export function logMetadataPublisher(objects: ObjectStore, identity: string) {
  return async ({ lanes, positions, firstKept }: Beats, sentMs: number): Promise<void> => {
    const before = await read(objects)
    const earlier = before?.identity === identity ? before.beats : {}
    const beatsOf = ({ name }: Lane) => {
      const position = positions.get(name)
      const known = earlier[name] ?? []
      return position === undefined ? known : [...known, { position, sentMs }].slice(-2)
    }
    const beats = Object.fromEntries(lanes.map(lane => [lane.name, beatsOf(lane)]))
    const kept = Object.fromEntries(firstKept)
    const published: Published = { identity, listedMs: sentMs, lanes, beats, firstKept: kept }
    await objects.put(KEY, Buffer.from(JSON.stringify(published)))
  }
}

/**
 * Reads the published metadata of a log.
 *
 * @param slotMs length of a slot. A list of lanes must be younger than half a slot: the batch layer leaves a slot
 *   between what it counts and what it has seen of every lane, so it then knows every lane that has records of what it
 *   counts.
 * @throws Error when nothing is published yet
 */
export async function openPublishedLogMetadata(
  objects: ObjectStore,
  slotMs: number,
  now: () => number,
): Promise<LogMetadata> {
  const longestAgeMs = Math.min(LONGEST_AGE_MS, slotMs / 2)

  async function current(): Promise<Published> {
    const published = await read(objects)
    if (!published) throw new Error(`${KEY} is not there yet: the heartbeat function writes it, each minute`)
    return published
  }

  const { identity } = await current()
  return {
    identity,
    async lanes() {
      const published = await current()
      if (published.identity !== identity) throw new Error(`the log is another one now: ${published.identity}`)
      const ageMs = now() - published.listedMs
      if (ageMs > longestAgeMs) {
        throw new Error(`the lanes were listed ${Math.round(ageMs / MINUTE_MS)} min ago: the heartbeats have stopped`)
      }
      return published.lanes
    },
    async waiting({ lane, lastPosition, lastArrivalMs }) {
      const beats = (await current()).beats[lane] ?? []
      const [first, ...more] = beats.filter(({ position }) => position > lastPosition)
      if (!first) return { oldestMs: null, reason: null }
      // If only one heartbeat is not applied, the lane is up to date except for it. Otherwise it stands where its last
      // record left it.
      const oldestMs = more.length === 0 && beats.length > 1 ? first.sentMs : (lastArrivalMs ?? first.sentMs)
      return { oldestMs, reason: null }
    },
    async firstKept(lane) {
      return (await current()).firstKept?.[lane] ?? null
    },
  }
}

async function read(objects: ObjectStore): Promise<Published | undefined> {
  const bytes = await objects.get(KEY)
  return bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as Published)
}
