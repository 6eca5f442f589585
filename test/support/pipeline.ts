import { readFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { openSqliteSpeedStore } from '../../functions/adapters/sqlite/speed-store.ts'
import { archiveHandler } from '../../functions/archive/handler.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../functions/archive/table.ts'
import { readIncidents } from '../../functions/batch/incidents-file.ts'
import { normalsReader } from '../../functions/batch/normals-file.ts'
import { type BatchRun, runBatch } from '../../functions/batch/run.ts'
import { batchSql } from '../../functions/batch/sql.ts'
import { type ViewReader, viewReader } from '../../functions/batch/view-reader.ts'
import { type Lane, laneName, type Position } from '../../functions/core/lane.ts'
import { DEFAULT_LATENESS, type Lateness } from '../../functions/core/lateness.ts'
import { DEFAULT_RULES } from '../../functions/core/rules/index.ts'
import { dayOf, MINUTE_MS } from '../../functions/core/time.ts'
import { addEach, type Totals } from '../../functions/core/totals.ts'
import { NO_BASELINE } from '../../functions/core/unusual-image.ts'
import { openDecisions } from '../../functions/decisions/stored-decisions.ts'
import { sitesReader } from '../../functions/images/sites/stored-sites.ts'
import type { QuarantineEntry, SpeedStore } from '../../functions/ports/speed-store.ts'
import { activityElsewhere } from '../../functions/serving/activity.ts'
import { classStats, type Serving } from '../../functions/serving/answers.ts'
import { speedHandler } from '../../functions/speed/handler.ts'
import { CLASSES, collectingLogger, collectingMetrics } from './factories.ts'

export interface PipelineOptions {
  streamIdentity: string
  slotMs: number
  lateness?: Lateness
  lanes(): Promise<Lane[]>
  /** Null by default: nobody can tell what the log has removed. */
  firstKept?(lane: string): Promise<Position | null>
  now(): number
  classes?: typeof CLASSES
  /** Empty store to use instead of the embedded one. It is closed with the pipeline. */
  store?: SpeedStore
  /** Folder of a pipeline at rest. This one starts with a copy of its files. */
  copyOf?: string
}

const readSql = (name: string) => readFileSync(new URL(`../../data/sql/${name}.sql`, import.meta.url), 'utf8')
export const BATCH_SQL = batchSql(name => readSql(name))

/** Speed layer, archive and batch layer on the embedded adapters. The test delivers the records. */
export async function openPipeline(options: PipelineOptions) {
  const { streamIdentity, slotMs, lateness = DEFAULT_LATENESS, lanes, firstKept = async () => null, now } = options
  const folder = await mkdtemp(join(tmpdir(), 'landcover-pipeline-'))
  if (options.copyOf) await cp(options.copyOf, folder, { recursive: true })
  const store = options.store ?? openSqliteSpeedStore(join(folder, 'store.sqlite'))
  const objects = openFolderObjectStore(join(folder, 'objects'))
  const query = await openDuckDbBatchQuery(join(folder, 'objects', 'archive'), ARCHIVE_TABLE_COLUMNS)
  const views = viewReader(objects)
  const logger = collectingLogger()
  const metrics = collectingMetrics()
  const classes = async () => options.classes ?? CLASSES
  const serving: Serving = {
    store,
    views,
    slotMs,
    lateness,
    classes,
    lanes,
    lastRun: async () => undefined,
    compaction: async () => undefined,
    incidents: () => readIncidents(objects),
    normals: normalsReader(objects),
    decisions: openDecisions(objects).all,
    waiting: async () => ({ oldestMs: null, reason: null }),
    now,
    elapsedMs: now,
    readClasses: classes,
    sites: sitesReader(objects),
    activity: activityElsewhere(MINUTE_MS, now),
  }
  return {
    folder,
    store,
    objects,
    logger,
    metrics,
    serving,
    /** New process of the speed layer, with its own memory. @param through the store, or one with faults */
    speedProcess: (through: SpeedStore = store) =>
      speedHandler({
        store: through,
        lanes,
        firstKept,
        slotMs,
        lateness,
        classes,
        rules: DEFAULT_RULES,
        baseline: async () => NO_BASELINE,
        streamIdentity,
        logger,
        metrics,
        now,
      }),
    archiveProcess: () => archiveHandler({ objects, slotMs, lateness, classes, streamIdentity, logger, metrics, now }),
    runBatch: (): Promise<BatchRun> =>
      runBatch({
        arrivalNeverGoesBack: true,
        objects,
        query,
        store,
        lanes,
        slotMs,
        sql: BATCH_SQL,
        now,
      }),
    joined: async () => (await classStats(serving)).rows,
    /** Totals of the current batch view, by `day class`. */
    batchTotals: () => totalsOfView(views),
    /** Totals of all speed rows, by `day class`. */
    speedTotals: () => totalsOfRows(store),
    quarantined: async () => quarantineOf(store, await lanes()),
    async close(): Promise<void> {
      await Promise.all([store.close(), query.close()])
      await rm(folder, { recursive: true })
    },
  }
}

export type Pipeline = Awaited<ReturnType<typeof openPipeline>>

async function totalsOfView(views: ViewReader): Promise<Map<string, Totals>> {
  const view = await views.current()
  const byDay = new Map<string, Totals>()
  const days = view ? await views.days(view, '', '9') : []
  addEach(
    byDay,
    days.map(({ day, className, history }) => [`${day} ${className}`, history.totals] as const),
  )
  return byDay
}

async function totalsOfRows(store: SpeedStore): Promise<Map<string, Totals>> {
  const byDay = new Map<string, Totals>()
  for (const { lane } of await store.readCursors()) {
    for (const row of await store.readRows(lane, { from: 0, until: Number.MAX_SAFE_INTEGER })) {
      const day = dayOf(row.windowStart)
      addEach(
        byDay,
        Array.from(row.totals, ([className, of]) => [`${day} ${className}`, of] as const),
      )
    }
  }
  return byDay
}

async function quarantineOf(store: SpeedStore, lanes: readonly Lane[]): Promise<QuarantineEntry[]> {
  const entries = lanes.map(lane => store.readQuarantine({ lane: lane.name, after: null, limit: 100_000 }))
  return (await Promise.all(entries)).flat()
}

/** Totals by class, from totals by `day class`. */
export function perClass(totals: ReadonlyMap<string, Totals>): Map<string, Totals> {
  const classes = new Map<string, Totals>()
  addEach(
    classes,
    Array.from(totals, ([key, of]) => [key.slice(11), of] as const),
  )
  return classes
}

/** Totals without the count of late events, which a recount of events cannot know. */
export function withoutLateness(totals: ReadonlyMap<string, Totals>): Map<string, Omit<Totals, 'lateCount'>> {
  return new Map(Array.from(totals, ([key, { lateCount: _, ...others }]) => [key, others]))
}

export function openLanes(streamIdentity: string, count: number): Lane[] {
  return Array.from({ length: count }, (_, shard) => ({
    name: laneName(streamIdentity, `shardId-${shard}`),
    parents: [],
    closed: false,
  }))
}
