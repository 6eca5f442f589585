import { describe, expect, it, onTestFinished } from 'vitest'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { importEvents, listImports } from '../../functions/archive/imports.ts'
import { ARCHIVE_PREFIX } from '../../functions/archive/layout.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../functions/archive/table.ts'
import { runBatch } from '../../functions/batch/run.ts'
import { decodeEvent, type ImageEvent } from '../../functions/core/event.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { readParquet } from '../../functions/parquet/read.ts'
import type { BatchQuery } from '../../functions/ports/batch-query.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { someEvents } from '../support/events-csv.ts'
import { NOON_MS } from '../support/factories.ts'
import { openImportPipeline } from '../support/imported.ts'
import { BATCH_SQL } from '../support/pipeline.ts'
import { byClass, recount } from '../support/recount.ts'

const EVENTS = someEvents(40)
const ROWS = EVENTS.map(event => decodeEvent(event, NOON_MS))

async function open() {
  const { pipeline, counted } = await openImportPipeline()
  return {
    pipeline,
    put: (rows: Iterable<ImageEvent | null>, objects: ObjectStore = pipeline.objects) =>
      importEvents(objects, HOUR_MS, 'some', [rows], NOON_MS),
    counted,
  }
}

describe('an import', () => {
  it('is counted once, and is not changed when it comes again', async () => {
    const { put, counted } = await open()
    expect(await put(ROWS)).toBe(40)
    expect(await put(ROWS)).toBe(null)
    expect(await counted()).toEqual(recount(EVENTS, byClass))
    expect(await put(ROWS)).toBe(null)
    expect(await counted()).toEqual(recount(EVENTS, byClass))
  })

  it('does not exist before it is complete; when it is done again, other rows may be valid', async () => {
    const { pipeline, put, counted } = await open()
    const failing = { ...pipeline.objects, putIfAbsent: () => Promise.reject(new Error('the disk is full')) }
    const fewer = ROWS.map((row, index) => (index % 3 === 0 ? null : row))
    await expect(put(fewer, failing)).rejects.toThrow('the disk is full')
    expect(await counted()).toEqual(new Map())
    expect(await put(ROWS)).toBe(40)
    expect(await counted()).toEqual(recount(EVENTS, byClass))
  })

  it('keeps the number of each row as its line, under the name of the import', async () => {
    const { pipeline, put } = await open()
    const [first, second] = ROWS as [ImageEvent, ImageEvent]
    expect(await put([null, first, null, second])).toBe(2)
    expect(await listImports(pipeline.objects)).toEqual(['import-some'])
    const [key] = await Array.fromAsync(pipeline.objects.list(ARCHIVE_PREFIX))
    expect(key).toBe('archive/arrival_slot=2025-01-01T00-00/import-some-1-4.parquet')
    const rows = await readParquet((await pipeline.objects.get(key as string)) as Uint8Array)
    const common = { lane: 'import-some', sequence: toPosition(1), arrival_ms: BigInt(NOON_MS), late: false }
    expect(rows).toEqual([
      expect.objectContaining({ image_id: first.imageId, line: 1, ...common }),
      expect.objectContaining({ image_id: second.imageId, line: 3, ...common }),
    ])
  })

  it('leaves no trace when no row is valid', async () => {
    const { pipeline, put, counted } = await open()
    expect(await put([null, null])).toBe(0)
    expect(await Array.fromAsync(pipeline.objects.list(''))).toEqual([])
    expect(await put(ROWS)).toBe(40)
    expect(await counted()).toEqual(recount(EVENTS, byClass))
  })

  it('is given up when another process has finished the same import in the meantime', async () => {
    const { pipeline, put, counted } = await open()
    async function* slowly() {
      yield ROWS.slice(0, 20)
      expect(await put(ROWS)).toBe(40)
      yield ROWS.slice(20)
    }
    expect(await importEvents(pipeline.objects, HOUR_MS, 'some', slowly(), NOON_MS)).toBe(null)
    expect(await counted()).toEqual(recount(EVENTS, byClass))
  })

  it('overwrites no file of a finished import, which a batch run may be reading', async () => {
    const { pipeline, put } = await open()
    const { objects } = pipeline
    const contents = async () => {
      const keys = await Array.fromAsync(objects.list(''))
      return Promise.all(keys.map(async key => [key, Buffer.from((await objects.get(key)) ?? []).toString('base64')]))
    }
    let finished: unknown
    async function* slowly() {
      // The same rows, but another version of the decoder accepts fewer of them.
      yield ROWS.slice(0, 20)
      expect(await put(ROWS)).toBe(40)
      finished = await contents()
      yield ROWS.slice(20).map(() => null)
    }
    expect(await importEvents(objects, HOUR_MS, 'some', slowly(), NOON_MS + HOUR_MS)).toBe(null)
    expect(await contents()).toEqual(finished)
  })

  it('is reported by one of two processes that finish it at the same time', async () => {
    const { pipeline, put } = await open()
    const { objects } = pipeline
    let other: number | null | undefined
    const meanwhile: ObjectStore = {
      ...objects,
      async putIfAbsent(key, bytes) {
        other ??= await put(ROWS)
        return objects.putIfAbsent(key, bytes)
      },
    }
    expect(await put(ROWS, meanwhile)).toBe(null)
    expect(other).toBe(40)
  })
})

describe('the cost of counting imports', () => {
  it('grows with the number of their files: each file is one record, its rows are the lines', async () => {
    const { pipeline, put } = await open()
    const rows = Array.from({ length: 100_003 }, () => null as ImageEvent | null)
    for (const [index, row] of [1, 6, 100_000, 100_001, 100_003].entries()) rows[row - 1] = ROWS[index] as ImageEvent
    expect(await put(rows)).toBe(5)
    const archived: unknown[] = []
    for await (const key of pipeline.objects.list(ARCHIVE_PREFIX)) {
      const file = await readParquet((await pipeline.objects.get(key)) as Uint8Array)
      archived.push(...file.map(({ sequence, line }) => [sequence, line]))
    }
    expect(archived).toEqual([
      [toPosition(1), 0],
      [toPosition(1), 5],
      [toPosition(1), 99_999],
      [toPosition(100_001), 0],
      [toPosition(100_001), 2],
    ])
    expect((await pipeline.runBatch()).view?.audit).toMatchObject({ images: 5, rows: 5, overlapping: 0, copies: 0 })
  })

  it('is the same two statements for many imports as for one: they read the files of all', async () => {
    const { pipeline } = await open()
    const { store, folder, objects } = pipeline
    const duckdb = await openDuckDbBatchQuery(`${folder}/objects/archive`, ARCHIVE_TABLE_COLUMNS)
    onTestFinished(() => duckdb.close())
    let statements = 0
    const query: BatchQuery = {
      ...duckdb,
      query: (...asked) => {
        statements++
        return duckdb.query(...asked)
      },
    }
    const layer = { objects, query, store, lanes: async () => [], slotMs: HOUR_MS, sql: BATCH_SQL, now: () => NOON_MS }
    const importSome = async (...names: string[]) => {
      for (const name of names) {
        const rows = ROWS.map(row => ({ ...row, imageId: `${name}-${row.imageId}` }))
        await importEvents(objects, HOUR_MS, name, [rows], NOON_MS)
      }
      statements = 0
      const { view } = await runBatch(layer)
      return view?.audit
    }
    const archivedBytes = async () => {
      let bytes = 0
      for await (const key of objects.list(ARCHIVE_PREFIX)) bytes += (await objects.get(key))?.length ?? 0
      return bytes
    }

    expect(await importSome(...Array.from({ length: 30 }, (_, index) => `some-${index}`))).toMatchObject({
      added: 1200,
    })
    expect(statements).toBe(2)
    const audit = await importSome('another')
    expect(audit).toMatchObject({ images: 1240, added: 40, bytesScanned: 2 * (await archivedBytes()) })
    expect(statements).toBe(2)
  })
})
