import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { CLASSES, liveImage, toWireEvent } from '../../data/generator.ts'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { archiveDelivery } from '../../functions/archive/archive.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../functions/archive/table.ts'
import { type BatchLayer, type BatchRun, runBatch } from '../../functions/batch/run.ts'
import { renderSql } from '../../functions/batch/sql.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { DEFAULT_LATENESS } from '../../functions/core/lateness.ts'
import { encodeHeartbeat, encodeRecord, type LogRecord } from '../../functions/core/record.ts'
import { lookBackMs, slotName } from '../../functions/core/slot.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { BATCH_SQL } from '../support/pipeline.ts'
import { printTable } from './report.ts'

/**
 * Benchmark of the archive and the batch layer: `node test/bench/batch.ts 1 10`, in millions of events. Each size runs in
 * its own process, so that peak memory is measured separately. A slot has a million events.
 */
const EVENTS_PER_SLOT = 1_000_000
const EVENTS_PER_RECORD = 500
const RECORDS_PER_DELIVERY = 200
const SLOT_MS = HOUR_MS
const START_MS = Date.UTC(2026, 0, 1)
const LANE = 'bench.0'
/** Number of events that are generated in advance and used in turns, so that generating them is not measured. */
const DISTINCT_EVENTS = 50_000

/** Python with pyspark. If it is set, Spark runs the same statement on the same files. */
const { SPARK_PYTHON } = process.env

const millions = process.argv.slice(2).map(Number)
if (millions.length < 2) await benchBatch(millions[0] ?? 1)
else
  for (const each of millions)
    spawnSync(process.execPath, [process.argv[1] as string, String(each)], { stdio: 'inherit' })

async function benchBatch(slots: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'landcover-bench-'))
  const objects = openFolderObjectStore(folder)
  const query = await openDuckDbBatchQuery(join(folder, 'archive'), ARCHIVE_TABLE_COLUMNS)
  try {
    const lines = makeLines()
    const archiveSeconds = await secondsOf(async () => {
      for (let slot = 0; slot < slots; slot++) await archiveSlot(objects, slot, lines)
    })
    await archiveHeartbeat(objects, slots + 1)
    const events = slots * EVENTS_PER_SLOT
    const bytes = await sizeOf(join(folder, 'archive'))
    const layer: BatchLayer = {
      objects,
      query,
      store: { readCursors: async () => [], readRows: async () => [] },
      lanes: async () => [{ name: LANE, parents: [], closed: false }],
      slotMs: SLOT_MS,
      sql: BATCH_SQL,
      now: Date.now,
    }
    const memoryBefore = peakMemoryMb()
    let run: BatchRun | undefined
    const batchSeconds = await secondsOf(async () => (run = await runBatch(layer)))
    const memoryAfter = peakMemoryMb()
    if (run?.view?.audit.images !== events) throw new Error(`${run?.view?.audit.images} images, not ${events}`)
    const limitSeconds = await secondsOf(() => plainDuckDb(join(folder, 'archive')))
    const sparkSeconds = SPARK_PYTHON ? spark(folder, slots) : undefined

    await archiveSlot(objects, slots, lines)
    await archiveHeartbeat(objects, slots + 2)
    let next: BatchRun | undefined
    const nextSeconds = await secondsOf(async () => (next = await runBatch(layer)))
    printTable(`Archive and batch layer, ${slots} million events of history`, [
      {
        'archive events/s': Math.round(events / archiveSeconds),
        'bytes an event': (bytes / events).toFixed(1),
        'batch s': batchSeconds.toFixed(1),
        'batch events/s': Math.round(events / batchSeconds),
        'of plain DuckDB': (limitSeconds / batchSeconds).toFixed(2),
        ...(sparkSeconds && { 'of Spark': (sparkSeconds / batchSeconds).toFixed(1) }),
        'peak MB before': memoryBefore,
        'peak MB after': memoryAfter,
        'one more slot s': nextSeconds.toFixed(1),
        'one more slot MB read': Math.round((next?.view?.audit.bytesScanned ?? 0) / 1e6),
      },
    ])
  } finally {
    await query.close()
    rmSync(folder, { recursive: true })
  }
}

function makeLines(): string[] {
  return Array.from({ length: DISTINCT_EVENTS }, (_, index) =>
    JSON.stringify(toWireEvent(liveImage({ seed: 1, index, atMs: START_MS - index * 1_000 }))),
  )
}

async function archiveSlot(objects: ObjectStore, slot: number, lines: readonly string[]): Promise<void> {
  const classes = new Map(CLASSES.map(({ className }) => [className, 0]))
  const records = EVENTS_PER_SLOT / EVENTS_PER_RECORD
  for (let first = 0; first < records; first += RECORDS_PER_DELIVERY) {
    const delivery = Array.from({ length: RECORDS_PER_DELIVERY }, (_, index): LogRecord => {
      const counter = slot * records + first + index + 1
      const header = encodeRecord({ producer: 'bench', counter }, []).toString()
      const from = (counter * EVENTS_PER_RECORD) % (lines.length - EVENTS_PER_RECORD)
      const data = Buffer.from([header, ...lines.slice(from, from + EVENTS_PER_RECORD)].join('\n'))
      return { lane: LANE, position: toPosition(counter), arrivalMs: START_MS + slot * SLOT_MS, data }
    })
    await archiveDelivery(
      { objects, slotMs: SLOT_MS, lateness: DEFAULT_LATENESS, classes: async () => classes },
      LANE,
      delivery,
    )
  }
}

/** Archives a heartbeat in a slot, so that the slots before it can be counted. */
async function archiveHeartbeat(objects: ObjectStore, slot: number): Promise<void> {
  const arrivalMs = START_MS + slot * SLOT_MS
  const position = toPosition(10 ** 12 + slot)
  const record = { lane: LANE, position, arrivalMs, data: encodeHeartbeat(arrivalMs) }
  await archiveDelivery(
    { objects, slotMs: SLOT_MS, lateness: DEFAULT_LATENESS, classes: async () => new Map() },
    LANE,
    [record],
  )
}

/** Computes the same sums on the same files without detecting copies: the best that the engine can do. */
async function plainDuckDb(archive: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1GB' })
  const connection = await instance.connect()
  const sums = BATCH_SQL.totals.slice(BATCH_SQL.totals.lastIndexOf('select\n'))
  const bin = 'cast(floor(ndvi_mean_micro / 1000e0) as integer) as ndvi_bin'
  await connection.run(`CREATE VIEW events AS
    SELECT *, substr(arrival_slot, 1, 10) AS arrival_day, ${bin}
    FROM read_parquet('${archive}/*/*.parquet', hive_partitioning = true, hive_types = {'arrival_slot': VARCHAR})
    WHERE image_id IS NOT NULL`)
  await connection.runAndReadAll(sums)
  connection.closeSync()
  instance.closeSync()
}

/** Time of Spark for the statement of the batch layer, in seconds, without its start. */
function spark(folder: string, slots: number): number {
  const name = (slot: number) => slotName(START_MS + slot * SLOT_MS, SLOT_MS)
  const span = {
    look_back: name(-2),
    from: name(0),
    until: name(slots),
    next_slot: name(slots),
    leapt_slots: '',
    import_slot: name(0),
    replacing: [],
    lane: '',
    slot_ms: SLOT_MS,
  }
  const statement = join(folder, 'statement.sql')
  writeFileSync(statement, renderSql(BATCH_SQL.totals, { ...span, look_back_ms: lookBackMs(SLOT_MS) }))
  const script = join(import.meta.dirname, 'spark.py')
  const args = [script, join(folder, 'archive'), statement]
  const { stdout, stderr } = spawnSync(SPARK_PYTHON as string, args, { encoding: 'utf8' })
  const [seconds, images] = stdout.trim().split(' ').map(Number)
  if (images !== slots * EVENTS_PER_SLOT) throw new Error(`Spark counts ${images} images: ${stderr}`)
  return seconds as number
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1000
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true })
  const sizes = names.filter(name => name.endsWith('.parquet')).map(name => stat(join(folder, name)))
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0)
}

/** Peak resident memory of this process so far, from Linux. */
function peakMemoryMb(): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024)
}
