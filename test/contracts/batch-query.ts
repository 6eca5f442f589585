import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { archiveKey } from '../../functions/archive/layout.ts'
import { ARCHIVE_COLUMNS, type ArchivedEvent, encodeArchiveFile } from '../../functions/archive/parquet.ts'
import { renderSql } from '../../functions/batch/sql.ts'
import { totalsOfRow } from '../../functions/batch/totals-file.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { slotName } from '../../functions/core/slot.ts'
import { DAY_MS, HOUR_MS } from '../../functions/core/time.ts'
import { Accumulator } from '../../functions/core/totals.ts'
import type { BatchQuery } from '../../functions/ports/batch-query.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { imageEvent, NOON_MS } from '../support/factories.ts'

/** An engine over an archive that holds nothing yet. */
export type OpenBatchQuery = () => Promise<{
  query: BatchQuery
  /** Where the archive lies that the engine reads. */
  objects: ObjectStore
  close(): Promise<void>
}>

const SLOT_MS = HOUR_MS
const LANE = 'stream.shard-0'
/** Those whose kinds the port has; a timestamp is for engines to compute with. */
const COLUMNS = [...ARCHIVE_COLUMNS.map(({ name }) => name).filter(name => name !== 'event_time'), 'arrival_slot']
const statement = (name: string) => readFileSync(new URL(`../../data/sql/${name}.sql`, import.meta.url), 'utf8')

/** What every adapter of the port BatchQuery holds to, and the statements of data/sql on it. */
export function describeBatchQuery(name: string, open: OpenBatchQuery): void {
  describe(`the batch query: ${name}`, () => {
    let opened: Awaited<ReturnType<OpenBatchQuery>>
    let query: BatchQuery
    beforeEach(async () => {
      opened = await open()
      query = opened.query
    })
    afterEach(async () => {
      await opened.close()
    })

    let files = 0
    /** Puts a file into the archive, of a slot that is so many after noon. */
    async function archive(slots: number, events: ArchivedEvent[], lane = LANE): Promise<void> {
      const key = archiveKey(NOON_MS + slots * SLOT_MS, SLOT_MS, lane, '1', String(++files))
      await opened.objects.put(key, encodeArchiveFile(events))
    }

    /** Count per arrival slot, as slots after noon, of the slots from one to another. */
    async function slotCounts(from: number, until: number, lookBack = 2): Promise<[slot: number, images: number][]> {
      const slot = (slots: number) => slotName(NOON_MS + slots * SLOT_MS, SLOT_MS)
      const values = { from: slot(from), until: slot(until), look_back: slot(from - lookBack), next_slot: slot(until) }
      const rows = await query.query(renderSql(statement('slot-totals'), values))
      const counts = new Map<number, number>()
      for (const row of rows) {
        const index = Array.from({ length: until - from }, (_, at) => from + at).find(
          at => slot(at) === row.arrival_slot,
        )
        expect(index, `slot ${row.arrival_slot}`).toBeDefined()
        counts.set(index as number, (counts.get(index as number) ?? 0) + totalsOfRow(row).count)
      }
      return [...counts].sort(([a], [b]) => a - b)
    }

    test('answers each kind of value as what the port says it is', async () => {
      await archive(0, [archived(1)])
      const [row] = await query.query(`
        select
          cast(-170141183460469231731687303715884105727 / 10 as decimal(38, 0)) as below,
          cast(99999999999999999999999999999999999999 as decimal(38, 0)) as most,
          cast(9223372036854775807 as bigint) as long,
          cast(-7 as integer) as short,
          cast(0.25 as double) as fraction,
          'it''s' as text,
          true as yes,
          cast(null as bigint) as nothing,
          sum(cast(red_mean_milli as decimal(38, 0))) as no_sum,
          count(*) as images
        from landcover_archive`)
      expect(row).toEqual({
        below: expect.any(BigInt) as unknown,
        most: 10n ** 38n - 1n,
        long: 2n ** 63n - 1n,
        short: -7,
        fraction: 0.25,
        text: "it's",
        yes: true,
        nothing: null,
        no_sum: null,
        images: 1n,
      })
      expect(row?.below).toBeLessThan(-(2n ** 100n))
    })

    test('gives every column of the archive as it was written', async () => {
      const event = imageEvent({
        imageId: "O'Brien_1",
        className: '草地',
        eventMs: NOON_MS - 1,
        ndviMean: -1_000_000,
        ndviStd: 95_443,
        ndviMin: -1_000_000,
        ndviMax: 491_274,
        vegetationIndex: 100_000_000,
        red: 1_000_000_000,
        green: 0,
        blue: 1_124_515,
        nir: 1_748_955,
        brightness: 1_112_809,
      })
      await archive(0, [archived(12, { event, late: true, line: 3, recordId: 'producer:9' })])
      const [row] = await query.query(`select ${COLUMNS.join()} from landcover_archive`)
      expect(row).toMatchObject({
        image_id: "O'Brien_1",
        class_name: '草地',
        event_day: '2026-11-22',
        event_ms: BigInt(NOON_MS - 1),
        ndvi_mean: -1,
        ndvi_mean_micro: -1_000_000,
        ndvi_std_micro: 95_443,
        ndvi_max: 0.491274,
        vegetation_index_micro: 100_000_000,
        red_mean: 1_000_000,
        red_mean_milli: 1_000_000_000,
        green_mean_milli: 0,
        blue_mean: 1124.515,
        nir_mean_milli: 1_748_955,
        brightness_mean_milli: 1_112_809,
        late: true,
        record_id: 'producer:9',
        line: 3,
        lane: LANE,
        sequence: toPosition(12),
        arrival_ms: BigInt(NOON_MS),
        arrival_slot: '2026-11-22T12-00',
      })
    })

    test('has the time of an event as a timestamp, UTC', async () => {
      await archive(0, [archived(1, { event: imageEvent({ eventMs: Date.UTC(2026, 10, 22, 23, 59, 59, 999) }) })])
      const within = `event_time >= timestamp '2026-11-22 23:59:59.998' and event_time < timestamp '2026-11-23 00:00:00'`
      expect(await query.query(`select count(*) as images from landcover_archive where ${within}`)).toEqual([
        { images: 1n },
      ])
    })

    test('has what was not measured as null', async () => {
      await archive(0, [archived(1)])
      const [row] = await query.query(`select ${COLUMNS.join()} from landcover_archive`)
      for (const column of [
        'ndvi_std',
        'ndvi_min',
        'ndvi_max_micro',
        'vegetation_index',
        'red_mean',
        'nir_mean_milli',
      ]) {
        expect(row?.[column]).toBeNull()
      }
    })

    test('sees files that come after it was opened, and files without events', async () => {
      const count = async () => (await query.query('select count(*) as images from landcover_archive'))[0]?.images
      await archive(0, [])
      expect(await count()).toBe(0n)
      await archive(0, [archived(1)])
      expect(await count()).toBe(1n)
      await archive(1, [archived(2), archived(3)])
      expect(await count()).toBe(3n)
      expect(await slotCounts(0, 2)).toEqual([
        [0, 1],
        [1, 2],
      ])
    })

    test('says what is wrong with a statement, and goes on', async () => {
      await archive(0, [archived(1)])
      await expect(query.query('select no_such_column from landcover_archive')).rejects.toThrow(/no_such_column/i)
      expect(await query.query('select count(*) as images from landcover_archive')).toEqual([{ images: 1n }])
    })

    test('answers statements that are asked at the same time', async () => {
      await archive(0, [archived(1), archived(2)])
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) => query.query(`select count(*) + ${index} as n from landcover_archive`)),
      )
      expect(answers).toEqual(Array.from({ length: 6 }, (_, index) => [{ n: BigInt(2 + index) }]))
    })

    test('totals of slots are those of the same events added up by the core, per day and class', async () => {
      const events = Array.from({ length: 500 }, (_, index) =>
        archived(index + 1, {
          late: index % 5 === 0,
          event: imageEvent({
            className: index % 3 === 0 ? 'SeaLake' : 'Forest',
            eventMs: NOON_MS - (index % 2) * DAY_MS,
            ndviMean: 1_000_000 - index * 4_001,
            ndviMin: index % 4 === 0 ? null : -index,
            ndviMax: index % 7 === 0 ? null : index,
            red: index % 2 === 0 ? null : 999_999_000 + index,
            nir: index,
          }),
        }),
      )
      await archive(0, events.slice(0, 200))
      await archive(0, events.slice(200), 'stream.shard-1')
      const values = { from: slotName(NOON_MS, SLOT_MS), until: slotName(NOON_MS + SLOT_MS, SLOT_MS) }
      const sql = renderSql(statement('slot-totals'), { ...values, look_back: values.from, next_slot: values.until })
      const rows = await query.query(sql)
      const expected = new Map<string, Accumulator>()
      for (const { event, late } of events) {
        const key = `${new Date(event.eventMs).toISOString().slice(0, 10)} ${event.className}`
        const accumulator = expected.get(key) ?? new Accumulator()
        expected.set(key, accumulator)
        accumulator.add(event, late)
      }
      expect(rows.map(row => `${row.event_day} ${row.class_name}`).sort()).toEqual([...expected.keys()].sort())
      for (const row of rows) {
        expect(totalsOfRow(row)).toEqual(expected.get(`${row.event_day} ${row.class_name}`)?.totals())
      }
    })

    test('totals of imports are those of the named file only', async () => {
      const imported = [1, 2, 3].map(n => archived(n, { lane: 'import-a' }))
      await archive(0, imported, 'import-a')
      await archive(0, [archived(9, { lane: 'import-b' })], 'import-b')
      const values = { import_slot: slotName(NOON_MS, SLOT_MS), lane: 'import-a' }
      const [row, ...others] = await query.query(renderSql(statement('import-totals'), values))
      expect(others).toEqual([])
      expect(totalsOfRow(row ?? {})).toMatchObject({ count: 3, ndviSum: 1_500_000n, ndviMin: null })
    })

    describe('of the copies of a record', () => {
      const copy = (position: number, line = 0) => archived(position, { recordId: 'producer:1', line })

      test('in overlapping files, one counts', async () => {
        await archive(0, [archived(1), archived(2)])
        await archive(0, [archived(2), archived(3)])
        expect(await slotCounts(0, 1)).toEqual([[0, 3]])
      })

      test('that the producer sent twice, one counts for each of its lines', async () => {
        await archive(0, [copy(1, 0), copy(1, 1), copy(5, 0), copy(5, 1)])
        expect(await slotCounts(0, 1)).toEqual([[0, 2]])
      })

      test('in several slots, the first counts, in its own slot', async () => {
        await archive(0, [copy(1)])
        await archive(1, [copy(5)])
        expect(await slotCounts(0, 2)).toEqual([[0, 1]])
        expect(await slotCounts(0, 1)).toEqual([[0, 1]])
        expect(await slotCounts(1, 2)).toEqual([])
      })

      test('the first is that of the lowest sequence, though its arrival be the later one', async () => {
        await archive(1, [copy(1)])
        await archive(0, [copy(5)])
        expect(await slotCounts(0, 1)).toEqual([])
        expect(await slotCounts(1, 2)).toEqual([[1, 1]])
        expect(await slotCounts(0, 2)).toEqual([[1, 1]])
      })

      test('each slot counts the same whether it is asked for alone or among others', async () => {
        await archive(0, [copy(1), archived(2)])
        await archive(1, [copy(3), archived(4), archived(7, { recordId: 'producer:2' })])
        await archive(2, [archived(6, { recordId: 'producer:2' }), archived(8)])
        const together = await slotCounts(0, 3)
        const alone = [await slotCounts(0, 1), await slotCounts(1, 2), await slotCounts(2, 3)].flat()
        expect(together).toEqual(alone)
        expect(together).toEqual([
          [0, 2],
          [1, 1],
          [2, 2],
        ])
      })
    })
  })
}

/** The event of a record of its own. */
function archived(position: number, changes: Partial<ArchivedEvent> = {}): ArchivedEvent {
  return {
    event: imageEvent({ imageId: `image-${position}` }),
    recordId: `${LANE}:${toPosition(position)}`,
    line: 0,
    lane: LANE,
    position: toPosition(position),
    arrivalMs: NOON_MS,
    late: false,
    ...changes,
  }
}
