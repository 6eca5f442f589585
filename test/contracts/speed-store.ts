import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Alert } from '../../functions/core/alert.ts'
import { type Cursor, newCursor } from '../../functions/core/cursor.ts'
import { BANDS } from '../../functions/core/event.ts'
import { MAX_TEXT_LENGTH } from '../../functions/core/event-fields.ts'
import { START, toPosition } from '../../functions/core/lane.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { addTotals, emptyTotals, type Totals } from '../../functions/core/totals.ts'
import { MAX_DECODED_BYTES } from '../../functions/core/unreadable.ts'
import type {
  QuarantineEntry,
  QuarantineHead,
  RedriveClaim,
  SpeedRow,
  SpeedStore,
} from '../../functions/ports/speed-store.ts'

export type OpenSpeedStore = () => Promise<{
  store: SpeedStore
  /** Opens the same data again, as another process would. The first store stays open. */
  reopen(): Promise<SpeedStore>
  /** Closes `store`. */
  close(): Promise<void>
}>

const SLOT = Date.UTC(2026, 10, 22, 14)
const WINDOW = SLOT - 10 * MINUTE_MS
/** Number of rivals: enough to lose an update without compare-and-set, few enough for a server's contention limit. */
const RIVALS = 20
/** Size of the largest quarantine entry: the only line of a record, after decompression. */
const LONGEST_BYTES = MAX_DECODED_BYTES
const LONG_MS = 120_000

/** Names that break code which keeps them in objects, in SQL text or in bytes. */
const ODD_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  '',
  ' ',
  "O'Brien",
  '"quoted"',
  'back\\slash',
  'line\nbreak',
  '%s $1 ? :name',
  '0',
  '-1',
  'null',
  'Café',
  'Cafe\u0301',
  '草地',
  '🌲🌲',
  '\u0000',
]

/** Contract tests for all adapters of the port SpeedStore. */
export function describeSpeedStore(name: string, open: OpenSpeedStore): void {
  describe(`the speed store: ${name}`, () => {
    let opened: Awaited<ReturnType<OpenSpeedStore>>
    let store: SpeedStore
    /** Same data, through another connection. */
    let rival: SpeedStore
    beforeAll(async () => {
      opened = await open()
      store = opened.store
      rival = await opened.reopen()
    }, LONG_MS)
    afterAll(async () => {
      await rival?.close()
      await opened?.close()
    })
    const oneOfTwo = (index: number): SpeedStore => (index % 2 === 0 ? store : rival)

    test('stores its settings once; all processes get the same ones', async () => {
      const asked = times(RIVALS, index => ({ format: 1, slotMs: (index + 1) * MINUTE_MS, systemId: null }))
      const answers = await Promise.all(asked.map((settings, index) => oneOfTwo(index).initSettings(settings)))
      expect(asked).toContainEqual(answers[0])
      for (const answer of answers) expect(answer).toEqual(answers[0])
      expect(await rival.initSettings({ format: 2, slotMs: 5, systemId: 'another' })).toEqual(answers[0])
    })

    test('replaces settings only if the current ones are given, and keeps the slot length', async () => {
      const none = await store.initSettings({ format: 1, slotMs: 5, systemId: null })
      const owned = { ...none, format: 2, systemId: 'a system' }
      expect(await rival.replaceSettings({ ...owned, slotMs: none.slotMs + 1 }, { ...none, format: 3 })).toBe(false)
      expect(await rival.replaceSettings(owned, { ...none, systemId: 'nobody' })).toBe(false)
      expect(await store.initSettings(owned)).toEqual(none)
      const asked = times(RIVALS, index => ({ ...owned, systemId: `system ${index}`, slotMs: none.slotMs + 1 }))
      const written = await Promise.all(asked.map((settings, index) => oneOfTwo(index).replaceSettings(settings, none)))
      expect(written.filter(Boolean)).toHaveLength(1)
      const { systemId } = asked[written.indexOf(true)] as (typeof asked)[number]
      expect(await rival.initSettings(none)).toEqual({ ...owned, systemId })
      expect(await rival.replaceSettings({ ...owned, systemId: 'another' }, { ...owned, systemId: null })).toBe(false)
    })

    describe('cursors', () => {
      test('has no cursor for a new lane', async () => {
        expect(await store.readCursor(freshLane())).toBeUndefined()
      })

      test('returns a new cursor, with null times and without producers', async () => {
        const cursor = newCursor(freshLane())
        expect(await store.createCursor(cursor)).toBe(true)
        expect(await store.readCursor(cursor.lane)).toEqual(cursor)
      })

      test('creates a cursor only if there is none', async () => {
        const first = cursorAt(freshLane(), 5)
        await store.createCursor(first)
        expect(await store.createCursor(cursorAt(first.lane, 9))).toBe(false)
        expect(await store.readCursor(first.lane)).toEqual(first)
      })

      test('lets exactly one of many processes create the cursor of a lane', async () => {
        const lane = freshLane()
        const cursors = times(RIVALS, index => cursorAt(lane, index))
        const created = await Promise.all(cursors.map((cursor, index) => oneOfTwo(index).createCursor(cursor)))
        expect(created.filter(Boolean)).toHaveLength(1)
        expect(await rival.readCursor(lane)).toEqual(cursors[created.indexOf(true)])
      })

      test('moves a cursor from its current position', async () => {
        const cursor = newCursor(freshLane())
        await store.createCursor(cursor)
        const next = cursorAt(cursor.lane, 7)
        expect(await store.moveCursor(next, START)).toBe(true)
        expect(await rival.readCursor(cursor.lane)).toEqual(next)
        const last = { ...cursorAt(cursor.lane, 8), lastArrivalMs: null, lastEventMs: null, lastHeartbeatDelayMs: null }
        expect(await rival.moveCursor(last, next.lastPosition)).toBe(true)
        expect(await store.readCursor(cursor.lane)).toEqual(last)
      })

      test('refuses to move a cursor from another position, and changes nothing', async () => {
        const cursor = cursorAt(freshLane(), 7)
        await store.createCursor(cursor)
        for (const stale of [START, toPosition(6), toPosition(8)]) {
          expect(await store.moveCursor(cursorAt(cursor.lane, 9), stale)).toBe(false)
        }
        expect(await store.readCursor(cursor.lane)).toEqual(cursor)
      })

      test('does not create a cursor by moving it', async () => {
        const lane = freshLane()
        expect(await store.moveCursor(cursorAt(lane, 1), START)).toBe(false)
        expect(await store.readCursor(lane)).toBeUndefined()
      })

      test('lets exactly one of many processes move a cursor from the same position', async () => {
        const from = cursorAt(freshLane(), 1)
        await store.createCursor(from)
        const next = times(RIVALS, index => cursorAt(from.lane, 2 + index))
        const moved = await Promise.all(
          next.map((cursor, index) => oneOfTwo(index).moveCursor(cursor, from.lastPosition)),
        )
        expect(moved.filter(Boolean)).toHaveLength(1)
        expect(await store.readCursor(from.lane)).toEqual(next[moved.indexOf(true)])
      })

      test('keeps thousands of producers', async () => {
        const producers = new Map(
          times(5_000, index => [`producer-${index}-${'x'.repeat(20)}`, [{ counter: index + 1, slot: SLOT }]]),
        )
        producers.set('__proto__', [{ counter: Number.MAX_SAFE_INTEGER, slot: 0 }])
        const cursor = { ...cursorAt(freshLane(), 1), producers }
        await store.createCursor(cursor)
        expect(await store.readCursor(cursor.lane)).toEqual(cursor)
      })

      test('distinguishes positions of 56 digits', async () => {
        const cursor = { ...cursorAt(freshLane(), 1), lastPosition: toPosition('9'.repeat(56)) }
        await store.createCursor(cursor)
        expect(await store.moveCursor(cursorAt(cursor.lane, 2), toPosition(`${'9'.repeat(55)}8`))).toBe(false)
        expect(await store.readCursor(cursor.lane)).toEqual(cursor)
      })

      test('keeps counts and times of any size', async () => {
        const most = Number.MAX_SAFE_INTEGER
        const cursor = {
          ...cursorAt(freshLane(), 1),
          quarantined: most,
          lastHeartbeatDelayMs: 400 * DAY_MS,
          lostRecords: most - 1,
          lastLossMs: most - 3,
        }
        await store.createCursor(cursor)
        expect(await store.readCursor(cursor.lane)).toEqual(cursor)
      })

      test('finds the cursors of all lanes', async () => {
        const cursors = times(60, index => cursorAt(freshLane(), index))
        await Promise.all(cursors.map(cursor => store.createCursor(cursor)))
        const found = new Map((await rival.readCursors()).map(cursor => [cursor.lane, cursor]))
        for (const cursor of cursors) expect(found.get(cursor.lane)).toEqual(cursor)
      })
    })

    describe('rows', () => {
      test('has no rows before the first is written', async () => {
        expect(await store.readRow({ lane: freshLane(), slot: SLOT, windowStart: WINDOW })).toBeUndefined()
      })

      test('creates a row only if there is none', async () => {
        const row = rowAt(freshLane(), 5)
        expect(await store.writeRow(row, null)).toBe(true)
        expect(await store.writeRow({ ...row, lastPosition: toPosition(9), totals: new Map() }, null)).toBe(false)
        expect(await rival.readRow(row)).toEqual(row)
      })

      test('replaces a row only from its current position', async () => {
        const row = rowAt(freshLane(), 5)
        await store.writeRow(row, null)
        const next = { ...rowAt(row.lane, 6), totals: new Map([['Forest', totalsOf(2)]]) }
        for (const stale of [START, toPosition(4), toPosition(6)]) expect(await store.writeRow(next, stale)).toBe(false)
        expect(await store.readRow(row)).toEqual(row)
        expect(await store.writeRow(next, row.lastPosition)).toBe(true)
        expect(await rival.readRow(row)).toEqual(next)
      })

      test('does not replace a missing row', async () => {
        const row = rowAt(freshLane(), 5)
        expect(await store.writeRow(row, toPosition(4))).toBe(false)
        expect(await store.readRow(row)).toBeUndefined()
      })

      test('distinguishes rows by lane, slot and window', async () => {
        const row = rowAt(freshLane(), 5)
        await store.writeRow(row, null)
        expect(await store.readRow({ ...row, lane: freshLane() })).toBeUndefined()
        expect(await store.readRow({ ...row, slot: row.slot + HOUR_MS })).toBeUndefined()
        expect(await store.readRow({ ...row, windowStart: row.windowStart + 1 })).toBeUndefined()
      })

      test.for([
        ['nothing', null],
        ['a row', toPosition(5)],
      ] as const)('lets exactly one of many writers follow on %s', async ([, replacing]) => {
        const lane = freshLane()
        if (replacing !== null) await store.writeRow(rowAt(lane, replacing), null)
        const rows = times(RIVALS, index => rowAt(lane, 10 + index))
        const written = await Promise.all(rows.map((row, index) => oneOfTwo(index).writeRow(row, replacing)))
        expect(written.filter(Boolean)).toHaveLength(1)
        const [row] = rows as [SpeedRow]
        expect(await store.readRow(row)).toEqual(rows[written.indexOf(true)])
      })

      test(
        'loses no addition of writers that contend for a row',
        async () => {
          const key = { lane: freshLane(), slot: SLOT, windowStart: WINDOW }
          const [writers, additions] = [4, 10]
          await Promise.all(
            times(writers, async writer => {
              for (let left = additions; left > 0; ) {
                const row = await oneOfTwo(writer).readRow(key)
                const sum = addTotals(row?.totals.get('Forest') ?? emptyTotals(), totalsOf(1))
                const lastPosition = toPosition(sum.count)
                const next: SpeedRow = { ...key, lastPosition, totals: new Map([['Forest', sum]]) }
                if (await oneOfTwo(writer).writeRow(next, row?.lastPosition ?? null)) left--
              }
            }),
          )
          expect((await store.readRow(key))?.totals.get('Forest')?.count).toBe(writers * additions)
        },
        LONG_MS,
      )

      test('keeps sums beyond 64 bits, negative sums, and extremes that were not measured', async () => {
        const huge: Totals = {
          count: Number.MAX_SAFE_INTEGER,
          lateCount: 1,
          ndviSum: -(2n ** 70n) - 1n,
          ndviSquareSum: 10n ** 37n + 1n,
          ndviMin: -1_000_000,
          ndviMax: 0,
          bands: { ...emptyTotals().bands, nir: { count: 1, sum: 2n ** 64n + 1n } },
        }
        const row = {
          ...rowAt(freshLane(), 1),
          totals: new Map([
            ['Forest', huge],
            ['Lake', emptyTotals()],
          ]),
        }
        await store.writeRow(row, null)
        expect(await store.readRow(row)).toEqual(row)
      })

      test('keeps classes with any names', async () => {
        const row = {
          ...rowAt(freshLane(), 1),
          totals: new Map(ODD_NAMES.map((className, index) => [className, totalsOf(index + 1)])),
        }
        await store.writeRow(row, null)
        expect(await store.readRow(row)).toEqual(row)
      })

      test('keeps hundreds of classes', async () => {
        const totals = new Map(times(500, index => [`class ${index}`, totalsOf(index)]))
        const row = { ...rowAt(freshLane(), 1), totals }
        await store.writeRow(row, null)
        expect(await store.readRow(row)).toEqual(row)
      })

      test('keeps any totals', async () => {
        const lane = freshLane()
        let windowStart = 0
        await fc.assert(
          fc.asyncProperty(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), anyTotals())), async entries => {
            const row: SpeedRow = { ...rowAt(lane, 1), windowStart: windowStart++, totals: new Map(entries) }
            await store.writeRow(row, null)
            expect(await store.readRow(row)).toEqual(row)
          }),
          { numRuns: 50 },
        )
      })
    })

    describe('ranges of slots', () => {
      test('include their first slot and exclude their end', async () => {
        const lane = freshLane()
        const slots = times(5, index => SLOT + index * HOUR_MS)
        for (const slot of slots) await store.writeRow({ ...rowAt(lane, 1), slot }, null)
        await store.writeRow(rowAt(freshLane(), 1), null)
        const found = await rival.readRows(lane, { from: SLOT + HOUR_MS, until: SLOT + 3 * HOUR_MS })
        expect(found.map(row => row.slot).sort()).toEqual(slots.slice(1, 3))
      })

      test('are empty if nothing arrived, or if they end before they begin', async () => {
        const lane = freshLane()
        await store.writeRow(rowAt(lane, 1), null)
        expect(await store.readRows(freshLane(), { from: SLOT, until: SLOT + HOUR_MS })).toEqual([])
        expect(await store.readRows(lane, { from: SLOT + HOUR_MS, until: SLOT + 2 * HOUR_MS })).toEqual([])
        expect(await store.readRows(lane, { from: SLOT, until: SLOT })).toEqual([])
        expect(await store.readRows(lane, { from: SLOT + HOUR_MS, until: SLOT })).toEqual([])
      })

      test('include all windows of a slot with all their totals, at any distance in time', async () => {
        const lane = freshLane()
        const windows = [0, SLOT - 400 * DAY_MS, SLOT - MINUTE_MS, SLOT, SLOT + 10 * MINUTE_MS]
        const rows = windows.map((windowStart, index) => ({
          ...rowAt(lane, index),
          windowStart,
          totals: new Map([['Forest', totalsOf(index + 1)]]),
        }))
        for (const row of rows) await store.writeRow(row, null)
        const found = await store.readRows(lane, { from: SLOT, until: SLOT + HOUR_MS })
        expect(found.sort((a, b) => a.windowStart - b.windowStart)).toEqual(rows)
      })

      test('may span days, and be open at both ends', async () => {
        const lane = freshLane()
        const slots = [0, SLOT - 9 * DAY_MS, ...times(72, index => SLOT + index * HOUR_MS)]
        for (const [index, slot] of slots.entries()) {
          await oneOfTwo(index).writeRow({ ...rowAt(lane, index), slot }, null)
        }
        const found = await store.readRows(lane, { from: 0, until: Number.MAX_SAFE_INTEGER })
        expect(found.map(row => row.slot).sort((a, b) => a - b)).toEqual(slots)
        const days = await store.readRows(lane, { from: SLOT + 5 * HOUR_MS, until: SLOT + 50 * HOUR_MS })
        expect(days).toHaveLength(45)
      })

      test('include rows of short slots across midnight', async () => {
        const lane = freshLane()
        const midnight = Date.UTC(2026, 10, 23)
        const slots = times(10, index => midnight + (index - 5) * 2_000)
        for (const slot of slots) await store.writeRow({ ...rowAt(lane, 1), slot }, null)
        const found = await store.readRows(lane, { from: midnight - 4_000, until: midnight + 4_000 })
        expect(found.map(row => row.slot).sort((a, b) => a - b)).toEqual(slots.slice(3, 7))
      })

      test(
        'hold more rows than a page',
        async () => {
          const lane = freshLane()
          const rows = times(450, index => ({ ...rowAt(lane, index), windowStart: index * MINUTE_MS }))
          for (const row of rows) await store.writeRow(row, null)
          const found = await store.readRows(lane, { from: SLOT, until: SLOT + HOUR_MS })
          expect(found.map(row => row.windowStart).sort((a, b) => a - b)).toEqual(rows.map(row => row.windowStart))
        },
        LONG_MS,
      )
    })

    describe('alerts', () => {
      test('come newest first; alerts of the same time come in descending order of their images', async () => {
        const className = freshClass()
        const alerts = [3, 1, 2, 2, 2].map((second, index) => alertAt(className, second, `image-${index}`))
        await store.putAlerts(alerts)
        const [a, b, c, d, e] = alerts as [Alert, Alert, Alert, Alert, Alert]
        expect(await rival.readAlerts(query(className, 10))).toEqual([a, e, d, c, b])
        expect(await rival.readAlerts(query(className, 3))).toEqual([a, e, d])
        expect(await rival.readAlerts(query(className, 0))).toEqual([])
        expect(await rival.readAlerts({ ...query(className, 10), upToMs: c.eventMs })).toEqual([e, d, c, b])
        expect(await rival.readAlerts({ ...query(className, 2), upToMs: c.eventMs })).toEqual([e, d])
        expect(await rival.readAlerts({ ...query(className, 10), upToMs: b.eventMs - 1 })).toEqual([])
      })

      test('are stored once if they are written twice', async () => {
        const className = freshClass()
        const alert = alertAt(className, 1, 'image')
        await store.putAlerts([alert, alert])
        await rival.putAlerts([alert])
        expect(await store.readAlerts(query(className, 10))).toEqual([alert])
      })

      test('with the same key and different content are stored as one of the two, complete', async () => {
        const className = freshClass()
        const alert = alertAt(className, 1, 'image')
        const other: Alert = { ...alert, rule: 'image-range', score: -7, baselineVersion: 9, ndviMin: null }
        await store.putAlerts([alert])
        await store.putAlerts([other])
        const found = await store.readAlerts(query(className, 10))
        expect(found).toHaveLength(1)
        expect([alert, other]).toContainEqual(found[0])
      })

      test('are separated by class and by day', async () => {
        const className = freshClass()
        const alert = alertAt(className, 1, 'image')
        const nextDay = { ...alert, day: '2026-11-23', eventMs: alert.eventMs + DAY_MS }
        const otherClass = { ...alert, className: freshClass() }
        await store.putAlerts([alert, nextDay, otherClass])
        expect(await store.readAlerts(query(className, 10))).toEqual([alert])
        expect(
          await store.readAlerts({ className, day: '2026-11-23', upToMs: Number.MAX_SAFE_INTEGER, limit: 10 }),
        ).toEqual([nextDay])
        expect(
          await store.readAlerts({ className, day: '2026-11-24', upToMs: Number.MAX_SAFE_INTEGER, limit: 10 }),
        ).toEqual([])
      })

      test('keep values that were not measured, negative values, and unusual names', async () => {
        const className = `${freshClass()} O'Brien "草地" 🌲`
        const alerts = ODD_NAMES.filter(imageId => imageId !== '').map((imageId, index) => ({
          ...alertAt(className, index, imageId),
          ndviMean: -1_000_000,
          ndviMin: null,
          ndviMax: null,
          score: -2.000000000000001,
        }))
        await store.putAlerts(alerts)
        expect(await store.readAlerts(query(className, 100))).toEqual(alerts.toReversed())
      })

      test('can be written by the hundred with the longest names, or none at all', async () => {
        const className = freshClass().padEnd(MAX_TEXT_LENGTH, '草')
        const alerts = times(500, index => alertAt(className, index, String(index).padEnd(MAX_TEXT_LENGTH, '草')))
        await store.putAlerts([])
        await store.putAlerts(alerts)
        expect(await store.readAlerts(query(className, 1_000))).toEqual(alerts.toReversed())
      })
    })

    describe('quarantine', () => {
      test('keeps the first entry of a position and line, and ignores later ones', async () => {
        const first = entryAt(freshLane(), 1, 0)
        await store.quarantine([first, { ...first, detail: 'again, in one go' }])
        await rival.quarantine([{ ...first, reason: 'not-utf8', detail: 'later', bytes: Buffer.from('other') }])
        expectEntries(await store.readQuarantine({ lane: first.lane, after: null, limit: 10 }), [first])
      })

      test('distinguishes a whole record from its first line', async () => {
        const lane = freshLane()
        const entries = [entryAt(lane, 1, null), entryAt(lane, 1, 0)]
        await store.quarantine(entries.toReversed())
        expectEntries(await store.readQuarantine({ lane, after: null, limit: 10 }), entries)
      })

      test('keeps the original bytes', async () => {
        const lane = freshLane()
        const all = Buffer.from(times(256, byte => byte))
        // A view into a larger buffer, like the bytes of records.
        const view = new Uint8Array(all.buffer, all.byteOffset + 10, 20)
        const entries = [Buffer.alloc(0), all, view].map((bytes, index) => ({ ...entryAt(lane, index, null), bytes }))
        await store.quarantine(entries)
        expectEntries(await store.readQuarantine({ lane, after: null, limit: 10 }), entries)
      })

      test(
        'keeps bytes of any length that a record can decode to',
        async () => {
          const lane = freshLane()
          const lengths = [256 * 1024, 256 * 1024 + 1, 1024 * 1024, LONGEST_BYTES]
          const entries = lengths.map((length, index) => ({ ...entryAt(lane, 1, index), bytes: noise(length) }))
          await store.quarantine(entries)
          await rival.quarantine([{ ...entryAt(lane, 1, 2), bytes: noise(2 * 1024 * 1024) }])
          expectEntries(await store.readQuarantine({ lane, after: null, limit: 10 }), entries)
        },
        LONG_MS,
      )

      test('reads a lane in pages, also within one record and across hours', async () => {
        const lane = freshLane()
        const places: [number, number | null][] = [
          [1, null],
          [2, 0],
          [2, 3],
          [2, 40],
          [2, 100],
          [9, 1],
          [10, 0],
        ]
        const hours = [0, 1, 30].map(hour => SLOT + hour * HOUR_MS)
        const entries = hours.flatMap((arrivalMs, hour) =>
          places.map(([sequence, index]) => ({ ...entryAt(lane, 100 * hour + sequence, index), arrivalMs })),
        )
        await store.quarantine(shuffled(entries))
        await store.quarantine([entryAt(freshLane(), 1, 0)])
        for (const limit of [1, 2, 3, 7, 10, 100]) {
          const found: QuarantineEntry[] = []
          for (let page: QuarantineEntry[]; ; found.push(...page)) {
            page = await rival.readQuarantine({ lane, after: found.at(-1) ?? null, limit })
            expect(page.length).toBeLessThanOrEqual(limit)
            if (page.length === 0) break
          }
          expectEntries(found, entries)
        }
      })

      test('reads the newest entries of a lane in pages, also within one record and across hours', async () => {
        const lane = freshLane()
        const places: [number, number | null][] = [
          [1, null],
          [2, 0],
          [2, 3],
          [2, 40],
          [9, 1],
          [10, 0],
        ]
        const hours = [0, 1, 30].map(hour => SLOT + hour * HOUR_MS)
        const entries = hours.flatMap((arrivalMs, hour) =>
          places.map(([sequence, index]) => ({ ...entryAt(lane, 100 * hour + sequence, index), arrivalMs })),
        )
        await store.quarantine(shuffled(entries))
        await store.quarantine([entryAt(freshLane(), 1, 0)])
        for (const limit of [1, 2, 5, 100]) {
          const found: QuarantineHead[] = []
          for (let page: QuarantineHead[]; ; found.push(...page)) {
            page = await rival.readNewestQuarantine({ lane, before: found.at(-1) ?? null, limit, mostBytes: 1_000 })
            expect(page.length).toBeLessThanOrEqual(limit)
            if (page.length === 0) break
          }
          expect(found.map(({ length, bytes }) => length - bytes.length)).toEqual(entries.map(() => 0))
          expectEntries(
            found.map(({ length: _, ...entry }) => entry),
            entries.toReversed(),
          )
        }
      })

      test('reads only the first bytes of the newest entries, and their length', async () => {
        const lane = freshLane()
        const lengths = [0, 9, 10, 11, 256 * 1024 + 1]
        const entries = lengths.map((length, index) => ({ ...entryAt(lane, 1, index), bytes: noise(length) }))
        await store.quarantine(entries)
        const found = await rival.readNewestQuarantine({ lane, before: null, limit: 10, mostBytes: 10 })
        expect(found.map(({ length }) => length)).toEqual(lengths.toReversed())
        expectEntries(
          found.map(({ length: _, ...entry }) => entry),
          entries.map(entry => ({ ...entry, bytes: entry.bytes.subarray(0, 10) })).toReversed(),
        )
      })

      test(
        'takes thousands of entries at once',
        async () => {
          const lane = freshLane()
          const entries = times(3_000, index => entryAt(lane, Math.floor(index / 100), index % 100))
          await store.quarantine(entries)
          expectEntries(await store.readQuarantine({ lane, after: null, limit: 10_000 }), entries)
        },
        LONG_MS,
      )

      test('accepts an empty list', async () => {
        await store.quarantine([])
        expect(await store.readQuarantine({ lane: freshLane(), after: null, limit: 10 })).toEqual([])
        expect(await store.readNewestQuarantine({ lane: freshLane(), before: null, limit: 10, mostBytes: 10 })).toEqual(
          [],
        )
      })
    })

    describe('redrives', () => {
      test('has no claim for an entry that was never claimed', async () => {
        expect(await store.readRedrives([])).toEqual([])
        expect(await store.readRedrives([freshProducer()])).toEqual([])
        expect(await store.markRedriven(freshProducer(), SLOT)).toBe(false)
      })

      test('returns a claim, for a line or a whole record, with and without a lane', async () => {
        const claims: RedriveClaim[] = [
          claimAt(freshProducer()),
          { ...claimAt(freshProducer()), entry: { lane: 'lane-a', position: toPosition(7), index: null } },
          { ...claimAt(freshProducer()), lane: 'lane-b' },
        ]
        for (const claim of claims) expect(await store.claimRedrive(claim)).toBe(true)
        for (const claim of claims) {
          expect(await rival.readRedrives([claim.producer])).toEqual([{ ...claim, appendedMs: null }])
        }
        const found = await rival.readRedrives([...claims.map(({ producer }) => producer), freshProducer()])
        expect(found).toHaveLength(claims.length)
        expect(found).toEqual(expect.arrayContaining(claims.map(claim => ({ ...claim, appendedMs: null }))))
      })

      test('keeps the first claim of a producer id, and ignores later ones', async () => {
        const first = claimAt(freshProducer())
        await store.claimRedrive(first)
        expect(await rival.claimRedrive({ ...first, claimedMs: SLOT + 1, lane: 'elsewhere' })).toBe(false)
        expect(await store.claimRedrive(first)).toBe(false)
        expect(await store.readRedrives([first.producer])).toEqual([{ ...first, appendedMs: null }])
      })

      test('lets exactly one of many redrives claim an entry', async () => {
        const producer = freshProducer()
        const claims = times(RIVALS, index => ({ ...claimAt(producer), claimedMs: SLOT + index }))
        const claimed = await Promise.all(claims.map((claim, index) => oneOfTwo(index).claimRedrive(claim)))
        expect(claimed.filter(Boolean)).toHaveLength(1)
        const winner = claims[claimed.indexOf(true)] as RedriveClaim
        expect(await rival.readRedrives([producer])).toEqual([{ ...winner, appendedMs: null }])
      })

      test('marks a claim as redriven, any number of times, and keeps the claim', async () => {
        const claim = claimAt(freshProducer())
        await store.claimRedrive(claim)
        expect(await store.markRedriven(claim.producer, SLOT + 5)).toBe(true)
        expect(await rival.readRedrives([claim.producer])).toEqual([{ ...claim, appendedMs: SLOT + 5 }])
        expect(await rival.markRedriven(claim.producer, SLOT + 9)).toBe(true)
        expect(await store.readRedrives([claim.producer])).toEqual([{ ...claim, appendedMs: SLOT + 9 }])
        expect(await store.claimRedrive(claim)).toBe(false)
      })

      test('do not change the entry', async () => {
        const entry = entryAt(freshLane(), 1, 4)
        const claim = { ...claimAt(freshProducer()), entry: { lane: entry.lane, position: entry.position, index: 4 } }
        await store.quarantine([entry])
        await store.claimRedrive(claim)
        await store.markRedriven(claim.producer, SLOT)
        expectEntries(await rival.readQuarantine({ lane: entry.lane, after: null, limit: 10 }), [entry])
      })
    })

    test('still has everything after it is opened again', async () => {
      const cursor = cursorAt(freshLane(), 3)
      const row = rowAt(cursor.lane, 3)
      const alert = alertAt(freshClass(), 1, 'image')
      const entry = entryAt(cursor.lane, 2, 0)
      await store.createCursor(cursor)
      await store.writeRow(row, null)
      await store.putAlerts([alert])
      await store.quarantine([entry])
      const claim = claimAt(freshProducer())
      await store.claimRedrive(claim)
      const again = await opened.reopen()
      expect(await again.readCursor(cursor.lane)).toEqual(cursor)
      expect(await again.readRows(cursor.lane, { from: SLOT, until: SLOT + HOUR_MS })).toEqual([row])
      expect(await again.readAlerts(query(alert.className, 1))).toEqual([alert])
      expectEntries(await again.readQuarantine({ lane: cursor.lane, after: null, limit: 1 }), [entry])
      expect(await again.readRedrives([claim.producer])).toEqual([{ ...claim, appendedMs: null }])
      await again.close()
    })
  })
}

let made = 0
/** Lane that no other test uses, because the tests share a store. */
function freshLane(): string {
  return `lane-${made++}`
}

function freshClass(): string {
  return `class-${made++}`
}

function cursorAt(lane: string, sequence: number): Cursor {
  return {
    lane,
    lastPosition: toPosition(sequence),
    producers: new Map([[`producer-${sequence}`, [{ counter: sequence + 1, slot: SLOT }]]]),
    lastArrivalMs: SLOT + sequence,
    lastEventMs: WINDOW + sequence,
    quarantined: 3 * sequence,
    lastHeartbeatDelayMs: 100 + sequence,
    lostRecords: 2 * sequence,
    lastLossMs: 3 * sequence,
  }
}

function rowAt(lane: string, sequence: number | string): SpeedRow {
  const lastPosition = toPosition(sequence)
  return { lane, slot: SLOT, windowStart: WINDOW, lastPosition, totals: new Map([['Forest', totalsOf(1)]]) }
}

function totalsOf(count: number): Totals {
  const bands = { ...emptyTotals().bands, red: { count, sum: BigInt(count) * 1_234_567n } }
  const ndviSum = BigInt(count) * -250_000n
  return { count, lateCount: 0, ndviSum, ndviSquareSum: ndviSum * ndviSum, ndviMin: -250_000, ndviMax: null, bands }
}

function anyTotals(): fc.Arbitrary<Totals> {
  const sum = fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n })
  const extreme = fc.option(fc.integer({ min: -1_000_000, max: 1_000_000 }))
  const band = fc.record({ count: fc.maxSafeNat(), sum })
  return fc.record({
    count: fc.maxSafeNat(),
    lateCount: fc.maxSafeNat(),
    ndviSum: sum,
    ndviSquareSum: sum,
    ndviMin: extreme,
    ndviMax: extreme,
    bands: fc.record(Object.fromEntries(BANDS.map(name => [name, band]))) as fc.Arbitrary<Totals['bands']>,
  })
}

const DAY = '2026-11-22'

function alertAt(className: string, second: number, imageId: string): Alert {
  return {
    className,
    day: DAY,
    eventMs: SLOT + second * 1_000,
    imageId,
    ndviMean: 123_456,
    ndviMin: -5,
    ndviMax: 999_999,
    rule: 'class-zscore',
    score: 2.5,
    baselineVersion: 4,
  }
}

function query(className: string, limit: number): { className: string; day: string; upToMs: number; limit: number } {
  return { className, day: DAY, upToMs: Number.MAX_SAFE_INTEGER, limit }
}

function entryAt(lane: string, sequence: number, index: number | null): QuarantineEntry {
  const bytes = Buffer.from(`{"image_id": ${sequence}, "line": ${index}`)
  const detail = "the line isn't JSON"
  return { lane, position: toPosition(sequence), index, arrivalMs: SLOT + 1_234, reason: 'not-json', detail, bytes }
}

function freshProducer(): string {
  return `redrive-${made++}`
}

function claimAt(producer: string): RedriveClaim {
  const entry = { lane: 'lane', position: toPosition('9'.repeat(56)), index: 0 }
  return { producer, entry, claimedMs: SLOT + 1_234, log: 'stream.1', lane: null }
}

/** Compares entries without printing megabytes when they differ. */
function expectEntries(found: readonly QuarantineEntry[], expected: readonly QuarantineEntry[]): void {
  expect(found.map(withDigest)).toEqual(expected.map(withDigest))
}

function withDigest({ bytes, ...entry }: QuarantineEntry): object {
  return { ...entry, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** Bytes without repetition in any page or piece. */
function noise(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  for (let index = 0; index < words.length; index++) words[index] = Math.imul(index + length, 2_654_435_761)
  return new Uint8Array(words.buffer, 0, length)
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** Deterministic: the same values in every run. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item, index) => [Math.imul(index + 1, 2_654_435_761) >>> 0, item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
}
