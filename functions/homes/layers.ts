import { readFileSync } from 'node:fs'
import { type Compacted, compactArchive } from '../archive/compaction.ts'
import { archiveHandler } from '../archive/handler.ts'
import { noted, readLastRun } from '../batch/last-run.ts'
import { type BatchLayer, type BatchRun, runBatch } from '../batch/run.ts'
import { viewReader } from '../batch/view.ts'
import { watchedFrom } from '../batch/watch.ts'
import { type Baseline, baselineOf, NO_BASELINE, type Rule } from '../core/alert.ts'
import { type ClassList, withClasses } from '../core/classes.ts'
import type { Position } from '../core/lane.ts'
import { slotOf } from '../core/slot.ts'
import { MINUTE_MS, SECOND_MS } from '../core/time.ts'
import { formatClassList, parseClassList } from '../ingest/classes-csv.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'
import type { BatchQuery } from '../ports/batch-query.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { SpeedStore } from '../ports/speed-store.ts'
import { servingHandler } from '../serving/handler.ts'
import type { SpeedLayer } from '../speed/apply.ts'
import { speedHandler } from '../speed/handler.ts'

/** Every port that the layers need. */
export interface Ports {
  log: EventLog
  store: SpeedStore
  objects: ObjectStore
  query: BatchQuery
  channel: AlertChannel
  logger: Logger
  metrics: Metrics
}

const DATA = new URL('../../data/', import.meta.url)
const CLASSES_KEY = 'reference/classes.csv'

/** How long an answer about what is normal may be used before it is asked anew. */
const BASELINE_AGE_MS = MINUTE_MS
const LANES_AGE_MS = 10 * SECOND_MS

/** Makes the handlers and the batch layer of a home, whatever stands behind its ports. */
export function layersOf({ log, store, objects, query, channel, logger, metrics }: Ports, slotMs: number) {
  const views = viewReader(objects)

  let classes: ClassList | undefined
  async function readClasses(): Promise<ClassList> {
    if (!classes) {
      const known = await objects.get(CLASSES_KEY)
      classes = parseClassList(known ? Buffer.from(known).toString('utf8') : readData('classes.csv'))
    }
    return classes
  }

  const readBaseline = remembered(BASELINE_AGE_MS, async (): Promise<Baseline> => {
    const view = await views.current()
    if (!view) return NO_BASELINE
    const classes = await views.classes(view)
    return baselineOf(
      view.revision,
      Array.from(classes, ([className, { totals }]) => [className, totals] as const),
    )
  })

  const lanes = () => log.lanes()
  const knownLanes = remembered(LANES_AGE_MS, async () => new Set((await lanes()).map(({ name }) => name)))

  /** Null also for lanes that the log no longer has: of a stream that was made anew, or shards of long ago. */
  async function oldestBehind(lane: string, position: Position): Promise<number | null> {
    if (!(await knownLanes()).has(lane)) return null
    return (await log.read(lane, position, 1))[0]?.arrivalMs ?? null
  }

  const streamIdentity = log.identity
  const batch: BatchLayer = {
    objects,
    query,
    store,
    lanes,
    slotMs,
    sql: { totals: readData('sql/totals.sql'), content: readData('sql/content.sql') },
    now: Date.now,
  }

  /** Takes the small files of slots together that the batch layer no longer looks after. */
  const compact = async (): Promise<Compacted> => {
    const view = await views.current()
    const before = view ? watchedFrom(view.cut, slotMs) : 0
    return compactArchive({ objects, slotMs, before, now: Date.now })
  }

  const speedLayer = (rules: readonly Rule[]): SpeedLayer => ({
    store,
    channel,
    lanes,
    slotMs,
    classes: readClasses,
    rules,
    baseline: readBaseline,
    now: Date.now,
  })

  return {
    views,
    batch,
    /** A batch run, of which the API tells how it ended. */
    runBatch: (options?: { trustSpeed: boolean }): Promise<BatchRun> =>
      noted(objects, Date.now, () => runBatch(batch, options)),
    classes: readClasses,
    /** Makes classes known from the next arrival slot on, or for all time where no lane has been applied yet. */
    async addClasses(names: readonly string[]): Promise<void> {
      const cursors = await store.readCursors()
      const latestMs = Math.max(Date.now(), ...cursors.map(({ lastArrivalMs }) => lastArrivalMs ?? 0))
      const since = cursors.length === 0 ? 0 : slotOf(latestMs, slotMs) + slotMs
      classes = withClasses(await readClasses(), names, since)
      await objects.put(CLASSES_KEY, Buffer.from(formatClassList(classes, slotMs)))
    },
    compact,
    speedLayer,
    speedHandler: (rules: readonly Rule[]) => speedHandler({ ...speedLayer(rules), streamIdentity, logger, metrics }),
    archiveHandler: () =>
      archiveHandler({ objects, slotMs, classes: readClasses, streamIdentity, logger, metrics, now: Date.now }),
    servingHandler: () =>
      servingHandler({
        store,
        views,
        lastRun: () => readLastRun(objects),
        slotMs,
        classNames: async () => [...(await readClasses()).keys()],
        lanes,
        oldestBehind,
        now: Date.now,
        logger,
      }),
  }
}

/** Reads anew only what was read longer ago than this. */
function remembered<T>(ageMs: number, read: () => Promise<T>): () => Promise<T> {
  let last: { value: T; readMs: number } | undefined
  return async () => {
    if (!last || Date.now() - last.readMs > ageMs) last = { value: await read(), readMs: Date.now() }
    return last.value
  }
}

function readData(name: string): string {
  return readFileSync(new URL(name, DATA), 'utf8')
}
