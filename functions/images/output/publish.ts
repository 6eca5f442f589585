import { createHash } from 'node:crypto'
import type { WireEvent } from '../../core/event.ts'
import { countForRecord, type Line, lineOf, packRecord, RECORD_BYTES_LIMIT } from '../../ingest/packing.ts'
import { appendWithRetries, isContinuable, type RetryTime } from '../../ingest/retry.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { ObjectStore } from '../../ports/object-store.ts'

/**
 * Publishes the events of a scene so that each image counts once: however often the scene is observed, by any number of
 * processes, which may be killed at any moment. Events are stored in the object store before they are published:
 *
 * - `observed/<scene>/<n>/events.json`: the events of images that no earlier publication of the scene has. It is put if
 *   absent, and never changes.
 * - `observed/<scene>/<n>/claim.json`: when the first attempt to append them was made, and where to.
 * - `observed/<scene>/<n>/appended.json`: the log has them.
 *
 * A run that continues another one appends the same records under the same producer id; the lane drops the copies.
 */

export const SCENES_PREFIX = 'observed/'
const FORMAT = 1

/** Maximum number of events in a record. */
const EVENTS_PER_RECORD = 500

/** Ports with which scenes are published. */
export interface ScenePublisher {
  objects: ObjectStore
  log: EventLog
  /** Time since the epoch: it is compared with the claims of other processes. */
  time: RetryTime
  onRetry?(error: string): void
  signal?: AbortSignal
}

/** Scene to publish. */
export interface SceneEvents {
  /** Identity of the acquisition, without the processing version. */
  identity: string
  processingVersion: string | null
  events: readonly WireEvent[]
}

/** Result of a run. Counts of events. */
export interface Published {
  /** Events that the log has since this run. */
  published: number
  /** Events of images that were published before. */
  known: number
  /** Events that the log may have or not. Another run within the retry limit can find out. */
  unacknowledged: number
  /** Events that the log may have or not, and no further attempt can find out. */
  uncertain: number
  /** Processing version of the publications that stay, if it is another one. Then nothing of this scene is published. */
  otherVersion: { version: string | null } | null
}

interface Publication {
  format: number
  identity: string
  processingVersion: string | null
  events: WireEvent[]
}

interface Claim {
  claimedMs: number
  log: string
  /** Null: the log chooses the lane by the producer id. */
  lane: string | null
}

/**
 * Publishes what is not published of a scene, and continues publications that were interrupted.
 *
 * @throws Error when the object store does not answer, or holds a publication of a newer format
 */
export async function publishScene(publisher: ScenePublisher, scene: SceneEvents): Promise<Published> {
  const { objects } = publisher
  const folder = folderOf(scene.identity)
  const result: Published = { published: 0, known: 0, unacknowledged: 0, uncertain: 0, otherVersion: null }
  const known = new Set<string>()
  let version: string | null = scene.processingVersion
  for (let number = 1; ; number++) {
    const place = `${folder}${number}`
    const stored = await readPublication(objects, `${place}/events.json`)
    if (stored && number === 1) version = stored.processingVersion
    const isOther = version !== scene.processingVersion
    const events = stored?.events ?? (isOther ? [] : scene.events.filter(({ image_id }) => !known.has(image_id)))
    if (events.length === 0) break
    if (!stored && !(await putPublication(objects, `${place}/events.json`, { ...scene, events: [...events] }))) {
      // Another process has published under this number. The events that it did not publish are tried under the next
      // number.
      number--
      continue
    }
    for (const { image_id } of events) known.add(image_id)
    const outcome = await appendPublication(publisher, place, events)
    if (outcome === 'known') result.known += events.length
    else result[outcome] += events.length
    // Later publications of a scene would hide that this one is not on the log.
    if (outcome === 'unacknowledged') break
  }
  if (version !== scene.processingVersion) result.otherVersion = { version }
  return result
}

/** Tells whether an object says what is published, or will be, but not that the log has it. */
export function isScenePromise(key: string): boolean {
  return key.endsWith('/events.json') || key.endsWith('/claim.json')
}

/** Prefix of the objects of a scene. An identity may have any characters. */
function folderOf(identity: string): string {
  return `${SCENES_PREFIX}${digestOf(identity)}/`
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 24)
}

async function readPublication(objects: ObjectStore, key: string): Promise<Publication | null> {
  const bytes = await objects.get(key)
  if (!bytes) return null
  const publication = JSON.parse(Buffer.from(bytes).toString('utf8')) as Publication
  if (publication.format <= FORMAT) return publication
  throw new Error(`the object ${key} has format ${publication.format}: run the landcover that wrote it`)
}

function putPublication(objects: ObjectStore, key: string, scene: SceneEvents): Promise<boolean> {
  const { identity, processingVersion, events } = scene
  const publication: Publication = { format: FORMAT, identity, processingVersion, events: [...events] }
  return objects.putIfAbsent(key, Buffer.from(JSON.stringify(publication)))
}

async function appendPublication(
  publisher: ScenePublisher,
  place: string,
  events: readonly WireEvent[],
): Promise<'published' | 'known' | 'unacknowledged' | 'uncertain'> {
  const { objects, log, time, signal, onRetry = () => {} } = publisher
  const marker = `${place}/appended.json`
  if (await objects.get(marker)) return 'known'
  const producer = `scene-${digestOf(place)}`
  const claim = await claimPublication(publisher, `${place}/claim.json`, producer)
  const destination = claim.lane === null ? log.destinationOf(producer) : { lane: claim.lane }
  for (const data of recordsOf(producer, events, log.maxRecordBytes)) {
    // This applies to a claim of this run, too: the process may have been suspended since.
    if (!isContinuable(claim, publisher)) return 'uncertain'
    const failure = await appendWithRetries(log, { ...destination, data }, time, onRetry, signal, claim.claimedMs)
    if (failure !== null) return 'unacknowledged'
  }
  await objects.put(marker, Buffer.from(JSON.stringify({ appendedMs: time.now() })))
  return 'published'
}

/** Claims a publication, or reads the claim of another run. */
async function claimPublication({ objects, log, time }: ScenePublisher, key: string, producer: string): Promise<Claim> {
  const destination = log.destinationOf(producer)
  const lane = 'lane' in destination ? destination.lane : null
  const claim: Claim = { claimedMs: time.now(), log: log.identity, lane }
  if (await objects.putIfAbsent(key, Buffer.from(JSON.stringify(claim)))) return claim
  const known = await objects.get(key)
  if (!known) throw new Error(`the object ${key} was refused, but is not there`)
  return JSON.parse(Buffer.from(known).toString('utf8')) as Claim
}

/** Records of a publication. The same events give the same bytes, with counters from 1. */
function* recordsOf(producer: string, events: readonly WireEvent[], maxRecordBytes: number): Generator<Uint8Array> {
  const packing = { maxEvents: EVENTS_PER_RECORD, maxBytes: Math.min(RECORD_BYTES_LIMIT, maxRecordBytes), lingerMs: 0 }
  const lines: Line[] = events.map(event => lineOf(event, packing))
  for (let counter = 1; lines.length > 0; counter++) {
    yield packRecord({ producer, counter }, lines.splice(0, countForRecord(lines, packing)))
  }
}
