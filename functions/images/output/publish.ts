import { createHash } from 'node:crypto'
import type { importEvents } from '../../archive/imports.ts'
import { type ReplacedArrivals, replacementName } from '../../archive/replacement-name.ts'
import { decodeEvent, type WireEvent } from '../../core/event.ts'
import { MINUTE_MS } from '../../core/time.ts'
import { countForRecord, type Line, lineOf, packRecord, RECORD_BYTES_LIMIT } from '../../ingest/packing.ts'
import { appendWithRetries, isContinuable, LAST_ATTEMPT_MS, type RetryTime } from '../../ingest/retry.ts'
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
 *
 * A newer processing version that replaces the first is a publication, too, but its events do not go to the log. They
 * are an import that counts instead of the log's events of the same images, from the first view on that can leave those
 * out: see functions/batch/replacements.ts.
 */

export const SCENES_PREFIX = 'observed/'
const FORMAT = 1
/** Format of a publication that replaces others: older programs must not append its events. */
const REPLACING_FORMAT = 2

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
  /** Events that replace those of an earlier version since this run. They count from a later view on. */
  replaced: number
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
  /** Present if the events replace those of an earlier version: an import of this name and time. */
  replacement?: { name: string; importedMs: number; slotMs: number }
}

interface Claim {
  claimedMs: number
  log: string
  /** Null: the log chooses the lane by the producer id. */
  lane: string | null
}

/** Options of publishing. */
export interface PublishOptions {
  /**
   * Length of arrival slots, and what imports events, if a newer version replaces an earlier one; otherwise the first
   * version stays. Passed in, so that who does not replace needs no writer of Parquet.
   */
  replace?: { slotMs: number; importEvents: typeof importEvents }
}

/**
 * Publishes what is not published of a scene, and continues publications that were interrupted.
 *
 * @throws Error when the object store does not answer, or holds a publication of a newer format
 */
export async function publishScene(
  publisher: ScenePublisher,
  scene: SceneEvents,
  options: PublishOptions = {},
): Promise<Published> {
  const folder = folderOf(scene.identity)
  const result = { published: 0, known: 0, replaced: 0, unacknowledged: 0, uncertain: 0 }
  const known = new Set<string>()
  const arrivals: ReplacedArrivals[] = []
  let replacedMs = 0
  let version: string | null | undefined
  for (let number = 1; ; number++) {
    const place = `${folder}${number}`
    const stored = await readPublication(publisher.objects, `${place}/events.json`)
    const publication =
      stored ?? nextPublication(publisher, scene, place, { version, known, arrivals, replacedMs }, options)
    if (!publication) break
    if (!stored && !(await putPublication(publisher.objects, `${place}/events.json`, publication))) {
      // Another process has published under this number. What it did not publish is tried under the next number.
      number--
      continue
    }
    const { events, replacement } = publication
    if (number === 1 || replacement) version = publication.processingVersion
    for (const { image_id } of events) known.add(image_id)
    const outcome = await (replacement
      ? replaceEarlier(publisher, place, publication, options)
      : appendPublication(publisher, place, events))
    result[outcome] += events.length
    // Later publications of a scene would hide that this one is not on the log.
    if (outcome === 'unacknowledged') break
    if (replacement) replacedMs = replacement.importedMs
    else arrivals.push(await arrivalsOf(publisher.objects, place))
  }
  const isOther = version !== undefined && version !== scene.processingVersion
  return { ...result, otherVersion: isOther ? { version: version as string | null } : null }
}

/** Knowledge of the earlier publications of a scene. */
interface Earlier {
  /** Version of the publications that count; undefined if there are none. */
  version: string | null | undefined
  /** Images that they have. */
  known: ReadonlySet<string>
  /** When the log received their events. */
  arrivals: readonly ReplacedArrivals[]
  /** Time of the last one that replaced others; 0 if none did. */
  replacedMs: number
}

/** Makes the publication of what the earlier ones do not have; null if there is nothing to publish. */
function nextPublication(
  { time }: ScenePublisher,
  { identity, processingVersion, events }: SceneEvents,
  place: string,
  { version, known, arrivals, replacedMs }: Earlier,
  { replace }: PublishOptions,
): Publication | null {
  const isOther = version !== undefined && version !== processingVersion
  if (!isOther) {
    const unknown = events.filter(({ image_id }) => !known.has(image_id))
    return unknown.length > 0 ? { format: FORMAT, identity, processingVersion, events: unknown } : null
  }
  if (!replace || !isNewer(processingVersion, version) || events.length === 0) return null
  const { slotMs } = replace
  // The clocks of the log and of this machine may differ by up to a slot.
  const range = {
    fromMs: Math.floor(Math.min(...arrivals.map(({ fromMs }) => fromMs)) - slotMs),
    untilMs: Math.ceil(Math.max(...arrivals.map(({ untilMs }) => untilMs)) + slotMs),
  }
  const name = replacementName(hashOf(place).toString('hex').slice(0, 32), range)
  // Of imports that replace the same image the one of the latest time counts.
  const replacement = { name, importedMs: Math.max(Math.floor(time.now()), replacedMs + 1), slotMs }
  return { format: REPLACING_FORMAT, identity, processingVersion, events: [...events], replacement }
}

/** Compares processing versions by their numbers, `05.11` with `05.09`. A version that is not known is the oldest. */
function isNewer(version: string | null, than: string | null): boolean {
  const [numbers, others] = [version, than].map(text => (text?.match(/\d+/g) ?? []).map(Number)) as [number[], number[]]
  for (let at = 0; at < Math.max(numbers.length, others.length); at++) {
    const difference = (numbers[at] ?? -1) - (others[at] ?? -1)
    if (difference !== 0) return difference > 0
  }
  return false
}

/** Imports the events of a publication that replaces earlier ones. */
async function replaceEarlier(
  { objects, time }: ScenePublisher,
  place: string,
  { identity, processingVersion, events, replacement }: Publication,
  { replace }: PublishOptions,
): Promise<'replaced' | 'known'> {
  const marker = `${place}/appended.json`
  // Who does not replace leaves one that was interrupted to the next run that does.
  if (!replace || (await objects.get(marker))) return 'known'
  const { name, importedMs, slotMs } = replacement as NonNullable<Publication['replacement']>
  const rows = events.map(event => decodeEvent(event, importedMs))
  const source = `scene ${identity}, version ${processingVersion}`
  await replace.importEvents(objects, slotMs, name, [rows], importedMs, { isReplacing: true, source })
  await objects.put(marker, Buffer.from(JSON.stringify({ appendedMs: time.now() })))
  return 'replaced'
}

/** Reads when the log received the events of a publication, or may have received them. */
async function arrivalsOf(objects: ObjectStore, place: string): Promise<ReplacedArrivals> {
  const read = async (key: string) => JSON.parse(Buffer.from((await objects.get(key)) ?? '{}').toString('utf8'))
  const { claimedMs } = (await read(`${place}/claim.json`)) as Claim
  const { appendedMs = claimedMs + LAST_ATTEMPT_MS + MINUTE_MS } = await read(`${place}/appended.json`)
  return { fromMs: claimedMs, untilMs: appendedMs }
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
  return hashOf(text).toString('base64url').slice(0, 24)
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

async function readPublication(objects: ObjectStore, key: string): Promise<Publication | null> {
  const bytes = await objects.get(key)
  if (!bytes) return null
  const publication = JSON.parse(Buffer.from(bytes).toString('utf8')) as Publication
  if (publication.format <= REPLACING_FORMAT) return publication
  throw new Error(`the object ${key} has format ${publication.format}: run the landcover that wrote it`)
}

function putPublication(objects: ObjectStore, key: string, publication: Publication): Promise<boolean> {
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
