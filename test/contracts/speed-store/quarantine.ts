import { beforeAll, describe, expect, test } from 'vitest'
import { toPosition } from '../../../functions/core/lane.ts'
import { HOUR_MS, MINUTE_MS } from '../../../functions/core/time.ts'
import type { QuarantineEntry, QuarantineHead, RedriveClaim, SpeedStore } from '../../../functions/ports/speed-store.ts'

import {
  claimAt,
  entryAt,
  expectEntries,
  freshLane,
  freshProducer,
  LONG_MS,
  LONGEST_BYTES,
  noise,
  RIVALS,
  SLOT,
  type Stores,
  shuffled,
  times,
} from './factories.ts'

/** Contract tests of the quarantine, and of redrives of its entries. */
export function describeQuarantine(stores: () => Stores): void {
  let store: SpeedStore
  let rival: SpeedStore
  let oneOfTwo: Stores['oneOfTwo']
  beforeAll(() => {
    ;({ store, rival, oneOfTwo } = stores())
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
      const entries = entriesOverHours(lane)
      await store.quarantine(shuffled(entries))
      await store.quarantine([entryAt(freshLane(), 1, 0)])
      for (const limit of [1, 2, 3, 7, 10, 100]) {
        const found: QuarantineEntry[] = []
        for (let page: QuarantineEntry[]; ; found.push(...page)) {
          page = await rival.readQuarantine({ lane, after: found.at(-1) ?? null, limit })
          expect(page.length).toBeLessThanOrEqual(limit)
          expect(found.length).toBeLessThanOrEqual(entries.length)
          if (page.length === 0) break
        }
        expectEntries(found, entries)
      }
    })

    test('reads the newest entries of a lane in pages, also within one record and across hours', async () => {
      const lane = freshLane()
      const entries = entriesOverHours(lane)
      await store.quarantine(shuffled(entries))
      await store.quarantine([entryAt(freshLane(), 1, 0)])
      for (const limit of [1, 2, 5, 100]) {
        const found: QuarantineHead[] = []
        for (let page: QuarantineHead[]; ; found.push(...page)) {
          page = await rival.readNewestQuarantine({ lane, before: found.at(-1) ?? null, limit, mostBytes: 1_000 })
          expect(page.length).toBeLessThanOrEqual(limit)
          expect(found.length).toBeLessThanOrEqual(entries.length)
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
        { ...claimAt(freshProducer()), entry: { lane: 'lane-a', position: toPosition(7), line: null } },
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
      const claim = { ...claimAt(freshProducer()), entry: { lane: entry.lane, position: entry.position, line: 4 } }
      await store.quarantine([entry])
      await store.claimRedrive(claim)
      await store.markRedriven(claim.producer, SLOT)
      expectEntries(await rival.readQuarantine({ lane: entry.lane, after: null, limit: 10 }), [entry])
    })
  })
}

/** Entries of a lane in the order of their places: several in one record, and in three hours. */
function entriesOverHours(lane: string): QuarantineEntry[] {
  const places: [number, number | null][] = [
    [1, null],
    [2, 0],
    [2, 3],
    [2, 40],
    [2, 100],
    [9, 1],
    [10, 0],
  ]
  // In one hour the entries are in the order of their places, at any minute.
  return [0, 1, 30].flatMap((hour, place) =>
    places.map(([sequence, index], at) => ({
      ...entryAt(lane, 100 * place + sequence, index),
      arrivalMs: SLOT + hour * HOUR_MS + at * 9 * MINUTE_MS,
    })),
  )
}
