import { readFileSync } from 'node:fs'
import { archiveHandler } from '../archive/handler.ts'
import type { BatchLayer } from '../batch/run.ts'
import { viewReader } from '../batch/view.ts'
import { type Baseline, baselineOf, NO_BASELINE, type Rule } from '../core/alert.ts'
import { type ClassList, withClasses } from '../core/classes.ts'
import { slotOf } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import { formatClassList, parseClassList } from '../ingest/classes-csv.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'
import type { BatchQuery } from '../ports/batch-query.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { SpeedStore } from '../ports/speed-store.ts'
import { servingHandler } from '../serving/handler.ts'
import { speedHandler } from '../speed/handler.ts'

/** Every port that the layers need. */
export interface Ports {
  log: EventLog
  store: SpeedStore
  objects: ObjectStore
  query: BatchQuery
  channel: AlertChannel
  logger: Logger
}

const DATA = new URL('../../data/', import.meta.url)
const CLASSES_KEY = 'reference/classes.csv'

/** How long an answer about what is normal may be used before it is asked anew. */
const BASELINE_AGE_MS = MINUTE_MS

/** Makes the handlers and the batch layer of a home, whatever stands behind its ports. */
export function layersOf({ log, store, objects, query, channel, logger }: Ports, slotMs: number) {
  const views = viewReader(objects)

  let classes: ClassList | undefined
  async function readClasses(): Promise<ClassList> {
    if (!classes) {
      const known = await objects.get(CLASSES_KEY)
      classes = parseClassList(known ? Buffer.from(known).toString('utf8') : readData('classes.csv'))
    }
    return classes
  }

  let baseline = { value: NO_BASELINE, readMs: Number.NEGATIVE_INFINITY }
  async function readBaseline(): Promise<Baseline> {
    if (Date.now() - baseline.readMs > BASELINE_AGE_MS) {
      const view = await views.current()
      const days = view ? await views.totals(view) : []
      const totals = days.map(day => [day.className, day.totals] as const)
      baseline = { value: view ? baselineOf(view.revision, totals) : NO_BASELINE, readMs: Date.now() }
    }
    return baseline.value
  }

  const lanes = () => log.lanes()
  const streamIdentity = log.identity
  const batch: BatchLayer = {
    objects,
    query,
    lanes,
    slotMs,
    sql: { slotTotals: readData('sql/slot-totals.sql'), importTotals: readData('sql/import-totals.sql') },
    now: Date.now,
  }

  return {
    views,
    batch,
    /** Makes classes known from the next arrival slot on; in a state that has no list yet, for all time. */
    async addClasses(names: readonly string[]): Promise<void> {
      const hasList = (await objects.get(CLASSES_KEY)) !== undefined
      const since = hasList ? slotOf(Date.now(), slotMs) + slotMs : 0
      classes = withClasses(await readClasses(), names, since)
      await objects.put(CLASSES_KEY, Buffer.from(formatClassList(classes, slotMs)))
    },
    speedHandler: (rules: readonly Rule[]) =>
      speedHandler({
        store,
        channel,
        lanes,
        slotMs,
        classes: readClasses,
        rules,
        baseline: readBaseline,
        streamIdentity,
        logger,
      }),
    archiveHandler: () => archiveHandler({ objects, slotMs, classes: readClasses, streamIdentity, logger }),
    servingHandler: () =>
      servingHandler({
        store,
        views,
        slotMs,
        classNames: async () => [...(await readClasses()).keys()],
        oldestBehind: async (lane, position) => (await log.read(lane, position, 1))[0]?.arrivalMs ?? null,
        now: Date.now,
        logger,
      }),
  }
}

function readData(name: string): string {
  return readFileSync(new URL(name, DATA), 'utf8')
}
