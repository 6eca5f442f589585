import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { producersToText } from '../../functions/adapters/row-encoding/row-encoding.ts'
import {
  isCopy,
  mergeProducers,
  newCursor,
  type SeenProducers,
  type SeenRecord,
  see,
  withinSizeLimit,
  withoutExpired,
} from '../../functions/core/cursor.ts'
import { START } from '../../functions/core/lane.ts'
import { lookBackMs, RETRY_LIMIT_MS, slotOf } from '../../functions/core/slot.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'
import { NOON_MS } from '../support/factories.ts'

const SLOT_MS = HOUR_MS
const LOOK_BACK_MS = lookBackMs(SLOT_MS)

const seen = (counter: number, slot = NOON_MS): SeenRecord[] => [{ counter, slot }]
const lists = fc
  .dictionary(
    fc.constantFrom('p', 'q', 'r'),
    fc.record({ counter: fc.integer({ min: 1, max: 9 }), slot: fc.constant(NOON_MS) }),
  )
  .map(entries => new Map(Object.entries(entries).map(([name, record]) => [name, [record]])))

describe('a copy', () => {
  const producers = new Map([['p', seen(7)]])

  it.each([
    [1, true],
    [6, true],
    [7, true],
    [8, false],
    [9, false],
  ])('is a record whose counter is not above the last one: %i', (counter, expected) => {
    expect(isCopy(producers, { producer: 'p', counter }, NOON_MS, LOOK_BACK_MS)).toBe(expected)
  })

  it('cannot come from a producer that was not seen before', () => {
    for (const producer of ['q', 'P', '__proto__', 'constructor']) {
      expect(isCopy(producers, { producer, counter: 1 }, NOON_MS, LOOK_BACK_MS)).toBe(false)
    }
  })

  it('is recognised within the look-back, including its end', () => {
    const at = (slot: number) => isCopy(producers, { producer: 'p', counter: 7 }, slot, LOOK_BACK_MS)
    expect(at(NOON_MS + LOOK_BACK_MS)).toBe(true)
    expect(at(NOON_MS + LOOK_BACK_MS + SLOT_MS)).toBe(false)
    expect(at(NOON_MS - SLOT_MS)).toBe(true)
  })
})

it('a record is compared with all records of its producer within the look-back, and with no others', () => {
  const record = fc.record({ counter: fc.integer({ min: 1, max: 9 }), back: fc.integer({ min: -4, max: 4 }) })
  fc.assert(
    fc.property(fc.array(record, { maxLength: 12 }), record, (earlier, { counter, back }) => {
      const producers = new Map<string, readonly SeenRecord[]>()
      const slotOfRecord = (of: { back: number }) => NOON_MS - of.back * SLOT_MS
      for (const each of earlier) see(producers, 'p', { counter: each.counter, slot: slotOfRecord(each) })
      const slot = slotOfRecord({ back })
      const expected = earlier.some(each => each.counter >= counter && slotOfRecord(each) >= slot - LOOK_BACK_MS)
      expect(isCopy(producers, { producer: 'p', counter }, slot, LOOK_BACK_MS)).toBe(expected)
    }),
    { numRuns: 1_000 },
  )
})

it('only one record is remembered of a producer that keeps its contract', () => {
  const producers = new Map<string, readonly SeenRecord[]>()
  for (let counter = 1; counter < 100; counter++) see(producers, 'p', { counter, slot: NOON_MS + counter * SLOT_MS })
  expect(producers.get('p')).toEqual(seen(99, NOON_MS + 99 * SLOT_MS))
})

describe('the producers of several parents', () => {
  it('are the producers of each parent, with the larger counter', () => {
    const merged = mergeProducers([
      new Map([
        ['p', seen(3)],
        ['q', seen(9)],
      ]),
      new Map([
        ['p', seen(5)],
        ['r', seen(1)],
      ]),
      new Map([['q', seen(2)]]),
    ])
    expect(merged).toEqual(
      new Map([
        ['p', seen(5)],
        ['q', seen(9)],
        ['r', seen(1)],
      ]),
    )
  })

  it('do not depend on the order of the parents, and are empty without parents', () => {
    fc.assert(
      fc.property(lists, lists, lists, (a, b, c) => {
        const merged = mergeProducers([a, b, c])
        expect(mergeProducers([c, a, b])).toEqual(merged)
        expect(mergeProducers([mergeProducers([a, b]), c])).toEqual(merged)
        expect(mergeProducers([a, a])).toEqual(a)
      }),
    )
    expect(mergeProducers([])).toEqual(new Map())
  })

  it('recognise every copy that any parent recognises', () => {
    fc.assert(
      fc.property(
        lists,
        lists,
        fc.constantFrom('p', 'q', 'r'),
        fc.integer({ min: 1, max: 9 }),
        (a, b, producer, counter) => {
          const origin = { producer, counter }
          const known = [a, b].some(parent => isCopy(parent, origin, NOON_MS, LOOK_BACK_MS))
          expect(isCopy(mergeProducers([a, b]), origin, NOON_MS, LOOK_BACK_MS)).toBe(known)
        },
      ),
    )
  })
})

describe('forgetting', () => {
  it('drops producers that were last seen before the look-back, and no others', () => {
    const producers = new Map([
      ...[6, 5, 4, 3, 2, 1, 0].map(hours => [`${hours} h ago`, seen(1, NOON_MS - hours * SLOT_MS)] as const),
      ['also 4 h ago', seen(2, NOON_MS - LOOK_BACK_MS - 2 * SLOT_MS)],
    ])
    const kept = withoutExpired(producers, NOON_MS, SLOT_MS)
    expect([...producers.keys()].filter(producer => !kept.has(producer))).toEqual(['6 h ago'])
    expect(producers.size).toBe(8)
  })

  it('changes no later decision, even when arrival times go back by a slot', () => {
    const slotMs = fc.constantFrom(SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, HOUR_MS)
    const slotsBack = fc.integer({ min: 0, max: 2_000 })
    fc.assert(
      fc.property(slotMs, slotsBack, fc.integer({ min: -1, max: 2_000 }), (length, back, onward) => {
        const latest = slotOf(NOON_MS, length)
        const producers = new Map([['p', seen(7, latest - back * length)]])
        const copy = { producer: 'p', counter: 7 }
        const laterSlot = latest + onward * length
        const judge = (known: SeenProducers) => isCopy(known, copy, laterSlot, lookBackMs(length))
        expect(judge(withoutExpired(producers, latest, length))).toBe(judge(producers))
      }),
      { numRuns: 1_000 },
    )
  })

  it('never drops a producer whose retries may still come', () => {
    const slotMs = fc.constantFrom(SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, HOUR_MS)
    const time = fc.integer({ min: 0, max: RETRY_LIMIT_MS })
    fc.assert(
      fc.property(slotMs, time, time, (length, passed, retried) => {
        fc.pre(passed <= retried)
        const producers = new Map([['p', seen(7, slotOf(NOON_MS, length))]])
        const kept = withoutExpired(producers, slotOf(NOON_MS + passed, length), length)
        const retrySlot = slotOf(NOON_MS + retried, length)
        expect(isCopy(kept, { producer: 'p', counter: 7 }, retrySlot, lookBackMs(length))).toBe(true)
      }),
    )
  })
})

it('a new cursor is before every record, and has the producers of its parents', () => {
  const producers = new Map([['p', seen(7)]])
  expect(newCursor('lane', producers)).toEqual({
    lane: 'lane',
    lastPosition: START,
    producers,
    lastArrivalMs: null,
    lastEventMs: null,
    quarantined: 0,
    lastHeartbeatDelayMs: null,
    lostRecords: 0,
    lastLossMs: null,
  })
  expect(newCursor('lane').producers.size).toBe(0)
})

describe('the space for producers in a cursor', () => {
  const ids = (count: number, prefix = 'id') =>
    Array.from({ length: count }, (_, at) => `${prefix}${at}`.padEnd(64, '-'))
  const text = (producers: SeenProducers) => Buffer.byteLength(producersToText(producers))

  it('is enough for all producers that keep their contract', () => {
    const producers = new Map(ids(5_000).map(id => [id, seen(1)]))
    expect(withinSizeLimit(producers, NOON_MS + DAY_MS)).toEqual({ kept: producers, forgotten: 0 })
  })

  it('stays below the limit of a row, and keeps the producers that were seen last', () => {
    const early = ids(15_000, 'early').map(id => [id, seen(Number.MAX_SAFE_INTEGER, NOON_MS)] as const)
    const late = ids(5_000, 'late').map(id => [id, seen(Number.MAX_SAFE_INTEGER, NOON_MS + HOUR_MS)] as const)
    const producers = new Map([...late, ...early])
    const { kept, forgotten } = withinSizeLimit(producers, NOON_MS + DAY_MS)
    expect(text(producers)).toBeGreaterThan(1024 ** 2)
    expect(text(kept)).toBeLessThan(0.9 * 1024 ** 2)
    expect(forgotten).toBe(producers.size - kept.size)
    for (const [id] of late) expect(kept.has(id)).toBe(true)
  })

  it('goes first to producers that were not seen in the future by a wrong clock', () => {
    const future = NOON_MS + 2 * HOUR_MS
    const leapt = ids(5_000, 'leapt').map(id => [id, seen(Number.MAX_SAFE_INTEGER, future)] as const)
    const early = ids(5_000, 'early').map(id => [id, seen(Number.MAX_SAFE_INTEGER, NOON_MS)] as const)
    const late = ids(5_000, 'late').map(id => [id, seen(Number.MAX_SAFE_INTEGER, future - HOUR_MS)] as const)
    const { kept } = withinSizeLimit(new Map([...leapt, ...early, ...late]), future)
    for (const [id] of late) expect(kept.has(id)).toBe(true)
    expect(leapt.filter(([id]) => kept.has(id))).toEqual([])
    expect(early.filter(([id]) => kept.has(id)).length).toBeGreaterThan(0)
  })
})

describe('a cursor forgets a producer', () => {
  const slot = (at: number) => NOON_MS + at * HOUR_MS
  const kept = (reached: number, ...slots: number[]) => {
    const producers = new Map(slots.map(at => [String(at), seen(1, slot(at))]))
    return [...withoutExpired(producers, slot(reached), HOUR_MS).keys()].map(Number)
  }

  it('when no copy can come: beyond the look-back, with six later slots known', () => {
    expect(kept(6, 0, 1, 2, 3, 4, 5, 6)).toEqual([1, 2, 3, 4, 5, 6])
    expect(kept(5, 0, 1, 2, 3, 4, 5)).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('never because of the slots of a clock that leapt some hours ahead', () => {
    expect(kept(7, 0, 1, 2, 5, 6, 7)).toEqual([0, 1, 2, 5, 6, 7])
    expect(kept(8, 0, 1, 2, 5, 6, 7, 8)).toEqual([1, 2, 5, 6, 7, 8])
  })

  it('never because of a slot before the current one', () => {
    expect(kept(1, 0, 1, 5, 6, 7, 8, 9)).toEqual([0, 1, 5, 6, 7, 8, 9])
  })

  it('completely or not at all: a record stamped by a clock that was set back stays with a later one', () => {
    const records = [
      { counter: 3, slot: slot(-5) },
      { counter: 2, slot: slot(0) },
    ]
    const others = [1, 2, 3, 4, 5].map(at => [String(at), seen(1, slot(at))] as const)
    const producers = new Map([['p', records], ...others])
    expect(withoutExpired(producers, slot(5), HOUR_MS).get('p')).toEqual(records)
    expect(withoutExpired(new Map([...producers, ['6', seen(1, slot(6))]]), slot(6), HOUR_MS).has('p')).toBe(false)
  })
})
