import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { archiveKey, fileName } from '../../functions/archive/layout.ts'
import { ARCHIVE_COLUMNS, type ArchivedEvent, encodeArchiveFile } from '../../functions/archive/parquet.ts'
import { countImports, countSlots, type SlotsCounted } from '../../functions/batch/query.ts'
import { isCopy, type SeenRecord, see } from '../../functions/core/cursor.ts'
import { BANDS, type ImageEvent } from '../../functions/core/event.ts'
import { toPosition } from '../../functions/core/lane.ts'
import type { Origin } from '../../functions/core/record.ts'
import { IMPORT_SLOT, lookBackMs, slotName } from '../../functions/core/slot.ts'
import { DAY_MS, dayOf, HOUR_MS } from '../../functions/core/time.ts'
import { Accumulator } from '../../functions/core/totals.ts'
import type { BatchQuery, SlotSpan } from '../../functions/ports/batch-query.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { imageEvent, NOON_MS, SOME_PLACE } from '../support/factories.ts'
import { encodeFirstFormat } from '../support/first-archive-format.ts'
import { BATCH_SQL } from '../support/pipeline.ts'
import { recountBins, recountMoments } from '../support/recount-history.ts'
import { seeded } from '../support/seeded.ts'

/** Opens an engine on an empty archive. */
export type OpenBatchQuery = () => Promise<{
  query: BatchQuery
  /** Store with the archive that the engine reads. */
  objects: ObjectStore
  close(): Promise<void>
}>

interface ArchivedImage extends ArchivedEvent {
  event: ImageEvent
}

const SLOT_MS = HOUR_MS
const LANE = 'stream.shard-0'
/** Slot of imports, as a number of slots after noon. */
const IMPORTS = (IMPORT_SLOT - NOON_MS) / SLOT_MS
/** Columns with the value types of the port. Timestamps are only for computing inside an engine. */
const COLUMNS = [...ARCHIVE_COLUMNS.map(({ name }) => name).filter(name => name !== 'event_time'), 'arrival_slot']

/** Contract tests for all adapters of the port BatchQuery, and for the statements of data/sql on each of them. */
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
    /** Puts a file into the archive. @param slot number of slots after noon */
    async function archive(
      slots: number,
      events: ArchivedEvent[],
      lane = LANE,
      encode = encodeArchiveFile,
    ): Promise<void> {
      const arrivalMs = NOON_MS + slots * SLOT_MS
      const key = archiveKey(arrivalMs, SLOT_MS, lane, '1', String(++files))
      const arrived = events.map(event => ({ ...event, arrivalMs }))
      await opened.objects.put(key, encode(arrived, fileName(key)))
    }

    /** All slots that these tests write to. */
    const ALL_SLOTS: SlotSpan = {
      first: slotName(NOON_MS - 9 * SLOT_MS, SLOT_MS),
      last: slotName(NOON_MS + 9 * SLOT_MS, SLOT_MS),
    }
    const ask = async (sql: string) => (await query.query(sql, ALL_SLOTS)).rows

    /** Images by UTC day that the batch layer counts in a range of slots, given as numbers of slots after noon. */
    async function count(from: number, until: number): Promise<SlotsCounted> {
      const slots = Array.from({ length: until - from }, (_, at) => NOON_MS + (from + at) * SLOT_MS)
      return countSlots(query, BATCH_SQL, SLOT_MS, slots, { files: [], lanes: [] })
    }
    const images = async (from: number, until: number) =>
      (await count(from, until)).days.reduce((sum, { history }) => sum + history.totals.count, 0)

    test('returns each type of value as the port defines it', async () => {
      await archive(0, [archived(1)])
      const [row] = await ask(`
        select
          cast('-99999999999999999999999999999999999999' as decimal(38, 0)) as least,
          cast('99999999999999999999999999999999999999' as decimal(38, 0)) as most,
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
        least: 1n - 10n ** 38n,
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
    })

    test('returns every column of the archive as it was written', async () => {
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
        ...SOME_PLACE,
      })
      await archive(0, [archived(12, { event, late: true, line: 3, origin: { producer: 'sender', counter: 9 } })])
      const [row] = await ask(`select ${COLUMNS.join()} from landcover_archive`)
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
        site_id: 'field-7',
        ...{ lon: -179.9999999, lon_e7: -1_799_999_999, lat: 47.3000001 },
        pixels: 1042,
        valid_fraction: 0.876543,
        cloud_fraction_micro: 123_457,
        scene_id: 'S2A_32UQV_20250615_0_L2A',
        processing_version: '05.11',
        texture_contrast: 65_025,
        texture_contrast_micro: 65_025_000_000n,
        texture_correlation: -1,
        texture_entropy_micro: 8_317_766,
        late: true,
        producer: 'sender',
        counter: 9n,
        line: 3,
        lane: LANE,
        sequence: toPosition(12),
        arrival_ms: BigInt(NOON_MS),
        arrival_slot: '2026-11-22T12-00',
      })
    })

    test('returns the time of an event as a UTC timestamp', async () => {
      await archive(0, [archived(1, { event: imageEvent({ eventMs: Date.UTC(2026, 10, 22, 23, 59, 59, 999) }) })])
      const within = `event_time >= timestamp '2026-11-22 23:59:59.998' and event_time < timestamp '2026-11-23 00:00:00'`
      expect(await ask(`select count(*) as images from landcover_archive where ${within}`)).toEqual([{ images: 1n }])
    })

    test('returns null for values that were not measured', async () => {
      await archive(0, [archived(1)])
      const [row] = await ask(`select ${COLUMNS.join()} from landcover_archive`)
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

    test('reads files of the first format beside new ones, and alone; columns that they lack are null', async () => {
      const ofSites = 'select image_id, site_id, lon_e7, ndvi_mean_micro from landcover_archive order by image_id'
      await archive(0, [archived(1)], LANE, encodeFirstFormat)
      const old = { image_id: 'image-1', site_id: null, lon_e7: null, ndvi_mean_micro: 500_000 }
      expect(await ask(ofSites)).toEqual([old])
      await archive(1, [archived(2, { event: imageEvent({ imageId: 'image-2', siteId: 'field-7', lon: 90_000_000 }) })])
      await archive(2, [archived(3)], LANE, encodeFirstFormat)
      expect(await ask(ofSites)).toEqual([
        old,
        { image_id: 'image-2', site_id: 'field-7', lon_e7: 90_000_000, ndvi_mean_micro: 500_000 },
        { ...old, image_id: 'image-3' },
      ])
      expect(await images(0, 3)).toBe(3)
    })

    test('sees files that were added after it was opened, and files without events', async () => {
      const count = async () => (await ask('select count(*) as images from landcover_archive'))[0]?.images
      await archive(0, [])
      expect(await count()).toBe(0n)
      await archive(0, [archived(1)])
      expect(await count()).toBe(1n)
      await archive(1, [archived(2), archived(3)])
      expect(await count()).toBe(3n)
      expect([await images(0, 1), await images(1, 2), await images(0, 2)]).toEqual([1, 2, 3])
    })

    test('reports an invalid statement, and continues to work', async () => {
      await archive(0, [archived(1)])
      await expect(ask('select no_such_column from landcover_archive')).rejects.toThrow(/no_such_column/i)
      expect(await ask('select count(*) as images from landcover_archive')).toEqual([{ images: 1n }])
    })

    test('answers concurrent statements', async () => {
      await archive(0, [archived(1), archived(2)])
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) => ask(`select count(*) + ${index} as n from landcover_archive`)),
      )
      expect(answers).toEqual(Array.from({ length: 6 }, (_, index) => [{ n: BigInt(2 + index) }]))
    })

    test('totals of slots equal the sums that the core computes for the same events, by day and class', async () => {
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
      const { days, content, bytesScanned } = await count(0, 1)
      const expected = new Map<string, Accumulator>()
      for (const { event, late } of events) {
        const key = `${new Date(event.eventMs).toISOString().slice(0, 10)} ${event.className}`
        const accumulator = expected.get(key) ?? new Accumulator()
        expected.set(key, accumulator)
        accumulator.add(event, late)
      }
      expect(days.map(({ day, className }) => `${day} ${className}`).sort()).toEqual([...expected.keys()].sort())
      for (const { arrivalDay, day, className, history } of days) {
        const of = events.filter(({ event }) => event.className === className && dayOf(event.eventMs) === day)
        expect(arrivalDay).toBe('2026-11-22')
        expect(history.totals).toEqual(expected.get(`${day} ${className}`)?.totals())
        expect(history.histogram).toEqual(recountBins(of.map(({ event }) => event)))
        for (const band of BANDS)
          expect(history.moments[band]).toEqual(
            recountMoments(
              of.map(({ event }) => event),
              band,
            ),
          )
        const number = BigInt(Date.parse(day) / DAY_MS)
        expect(history.time.productSum).toBe(number * history.totals.ndviSum)
      }
      expect(content).toEqual(new Map([['2026-11-22T12-00', { rows: 500, events: 500 }]]))
      expect(bytesScanned).toBeGreaterThan(0)
    })

    test('totals of imports include only the named imports', async () => {
      const imported = (lane: string, count: number) =>
        archive(
          IMPORTS,
          Array.from({ length: count }, (_, line) =>
            archived(1, { lane, line, event: imageEvent({ imageId: `${lane}-${line}` }) }),
          ),
          lane,
        )
      await imported('import-a', 3)
      await imported('import-b', 1)
      await imported('import-b-1', 4)
      await imported("import-it's", 5)
      const counted = async (...lanes: string[]) => {
        const { days, content } = await countImports(query, BATCH_SQL, SLOT_MS, lanes)
        expect(days).toHaveLength(1)
        const { count, ndviSum } = days[0]?.history.totals ?? {}
        expect(ndviSum).toBe(500_000n * BigInt(count ?? 0))
        expect(days[0]?.arrivalDay).toBe('2025-01-01')
        expect(content).toEqual(new Map([['2025-01-01T00-00', { rows: count, events: count }]]))
        return count
      }
      expect(await counted('import-a')).toBe(3)
      expect(await counted('import-b')).toBe(1)
      expect(await counted('import-a', "import-it's", 'import-c')).toBe(8)
      expect(await countImports(query, BATCH_SQL, SLOT_MS, [])).toMatchObject({ days: [], bytesScanned: 0 })
    })

    describe('of several copies of a record', () => {
      const sent = (producer: string, counter: number, position: number, line = 0) =>
        archived(position, { origin: { producer, counter }, line })
      const copy = (position: number, line = 0) => sent('producer', 1, position, line)

      test('in overlapping files, one counts', async () => {
        await archive(0, [archived(1), archived(2)])
        await archive(0, [archived(2), archived(3)])
        expect(await images(0, 1)).toBe(3)
        expect((await count(0, 1)).content.get('2026-11-22T12-00')).toEqual({ rows: 4, events: 3 })
      })

      test('sent twice by the producer, one counts, with each of its lines', async () => {
        await archive(0, [copy(1, 0), copy(1, 1), copy(5, 0), copy(5, 1)])
        expect(await images(0, 1)).toBe(2)
      })

      test('in several slots, the first counts, in its own slot', async () => {
        await archive(0, [copy(1)])
        await archive(1, [copy(5)])
        expect([await images(0, 2), await images(0, 1), await images(1, 2)]).toEqual([1, 1, 0])
      })

      test('the one with the lowest sequence counts, even if it arrived later', async () => {
        await archive(1, [copy(1)])
        await archive(0, [copy(5)])
        expect([await images(0, 1), await images(1, 2), await images(0, 2)]).toEqual([0, 1, 1])
      })

      test('each slot has the same count alone and together with other slots', async () => {
        await archive(0, [copy(1), archived(2)])
        await archive(1, [copy(3), archived(4), sent('other', 1, 7)])
        await archive(2, [sent('other', 1, 6), archived(8)])
        expect([await images(0, 1), await images(1, 2), await images(2, 3)]).toEqual([2, 1, 2])
        expect(await images(0, 3)).toBe(5)
      })

      test('a record whose counter is not above all counters before it in its lane is a copy, as in the speed layer', async () => {
        await archive(0, [sent('a', 1, 1), sent('a', 2, 2), sent('a', 1, 3), sent('a', 2, 4), sent('a', 3, 5)])
        await archive(1, [sent('a', 2, 6), sent('a', 4, 7), sent('b', 2, 8)])
        expect([await images(0, 1), await images(1, 2), await images(0, 2)]).toEqual([3, 2, 5])
      })

      test('no copy counts if no event of the first one counted', async () => {
        await archive(0, [{ ...sent('a', 1, 1), event: null }])
        await archive(1, [sent('a', 1, 5), sent('a', 2, 6)])
        expect([await images(0, 1), await images(1, 2), await images(0, 2)]).toEqual([0, 1, 1])
        expect((await count(0, 1)).content.get('2026-11-22T12-00')).toEqual({ rows: 0, events: 0 })
      })

      test('for a producer that breaks the rules, the count is the same as in the speed layer, for any range of slots', async () => {
        const random = seeded(5)
        const slots = Array.from({ length: 8 }, (_, slot) => slot)
        const producers = new Map<string, readonly SeenRecord[]>()
        const expected = slots.map(() => 0)
        let sequence = 0
        for (const slot of slots) {
          const records = Array.from({ length: 12 }, () =>
            sent(random.next() < 0.7 ? 'a' : 'b', 1 + Math.floor(random.next() * 9), ++sequence),
          )
          for (const { origin } of records) {
            const { producer, counter } = origin as Origin
            const slotMs = NOON_MS + slot * SLOT_MS
            if (!isCopy(producers, { producer, counter }, slotMs, lookBackMs(SLOT_MS))) (expected[slot] as number)++
            see(producers, producer, { counter, slot: slotMs })
          }
          await archive(slot, records)
        }
        const alone: number[] = []
        for (const slot of slots) alone.push(await images(slot, slot + 1))
        expect(alone).toEqual(expected)
        expect(await images(0, slots.length)).toBe(expected.reduce((sum, each) => sum + each))
        // Copies, and copies that came too late to be recognised.
        expect(new Set(expected).size).toBeGreaterThan(2)
      })

      test('counters of another lane have no effect', async () => {
        const other = { lane: 'stream.shard-1', origin: { producer: 'a', counter: 1 } }
        await archive(0, [sent('a', 5, 1)])
        await archive(0, [archived(9, other)], 'stream.shard-1')
        expect(await images(0, 1)).toBe(2)
      })
    })
  })
}

/** Record with a single event. */
function archived(position: number, changes: Partial<ArchivedImage> = {}): ArchivedImage {
  return {
    event: imageEvent({ imageId: `image-${position}` }),
    origin: null,
    line: 0,
    lane: LANE,
    position: toPosition(position),
    arrivalMs: NOON_MS,
    late: false,
    ...changes,
  }
}
