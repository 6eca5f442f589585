import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Cursor, newCursor } from '../../functions/core/cursor.ts'
import type { Lane } from '../../functions/core/lane.ts'
import { DEFAULT_LATENESS, DEFAULT_LATENESS_MS, latenessAt, withLateness } from '../../functions/core/lateness.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { isClosed, watermarkOf as watermarkUnder } from '../../functions/core/watermark.ts'
import { isLate, WINDOW_MS, windowOf } from '../../functions/core/window.ts'
import { NOON_MS } from '../support/factories.ts'

const watermarkOf = (lanes: readonly Lane[], cursors: readonly Cursor[], nowMs: number) =>
  watermarkUnder(lanes, cursors, nowMs, DEFAULT_LATENESS)

/** A current time that is after every arrival. */
const END_MS = Number.MAX_SAFE_INTEGER

const open = (name: string, ...parents: string[]): Lane => ({ name, parents, closed: false })
const closed = (name: string, ...parents: string[]): Lane => ({ name, parents, closed: true })
const at = (lane: string, lastArrivalMs: number | null): Cursor => ({ ...newCursor(lane), lastArrivalMs })

describe('the watermark', () => {
  it('is the time of the slowest open lane, minus the lateness', () => {
    const cursors = [at('a', NOON_MS), at('b', NOON_MS - MINUTE_MS), at('c', NOON_MS + MINUTE_MS)]
    expect(watermarkOf([open('a'), open('b'), open('c')], cursors, END_MS)).toBe(
      NOON_MS - MINUTE_MS - DEFAULT_LATENESS_MS,
    )
  })

  it('does not wait for lanes that are closed, or that belong to another log', () => {
    const cursors = [at('a', NOON_MS), at('old', 5), at('elsewhere', 7)]
    expect(watermarkOf([open('a'), closed('old')], cursors, END_MS)).toBe(NOON_MS - DEFAULT_LATENESS_MS)
  })

  it('is never later than now, when a clock leapt ahead', () => {
    const cursors = [at('a', NOON_MS + 3650 * DAY_MS), at('b', NOON_MS + 1)]
    const lanes = [open('a'), open('b')]
    expect(watermarkOf(lanes, cursors, NOON_MS)).toBe(NOON_MS - DEFAULT_LATENESS_MS)
    expect(watermarkOf(lanes, cursors, NOON_MS + 1)).toBe(NOON_MS + 1 - DEFAULT_LATENESS_MS)
    expect(watermarkOf(lanes, cursors, NOON_MS + 2)).toBe(NOON_MS + 1 - DEFAULT_LATENESS_MS)
  })

  it('keeps windows open for as long as the longest lateness that a record to come may have', () => {
    const longer = withLateness(DEFAULT_LATENESS, NOON_MS + 1, DAY_MS)
    const shorter = withLateness([{ since: 0, ms: DAY_MS }], NOON_MS + 1, HOUR_MS)
    const watermark = (arrivalMs: number, lateness: typeof longer) =>
      watermarkUnder([open('a')], [at('a', arrivalMs)], END_MS, lateness)
    expect(watermark(NOON_MS, longer)).toBe(NOON_MS - DAY_MS)
    expect(watermark(NOON_MS + 1, longer)).toBe(NOON_MS + 1 - DAY_MS)
    expect(watermark(NOON_MS, shorter)).toBe(NOON_MS - DAY_MS)
    expect(watermark(NOON_MS + 1, shorter)).toBe(NOON_MS + 1 - HOUR_MS)
  })

  it.each([
    ['there is no lane', [], []],
    ['no lane is open', [closed('a')], [at('a', NOON_MS)]],
    ['an open lane has no cursor', [open('a'), open('b')], [at('a', NOON_MS)]],
    ['an open lane has applied nothing', [open('a'), open('b')], [at('a', NOON_MS), at('b', null)]],
    ['nothing is known of one parent', [open('c', 'a', 'b'), closed('a'), closed('b')], [at('a', NOON_MS)]],
    ['parents are gone without a trace', [open('c', 'a')], []],
  ])('is unknown while %s', (_, lanes, cursors) => {
    expect(watermarkOf(lanes, cursors, END_MS)).toBeNull()
  })

  it('of a lane that has applied nothing yet is the watermark of its parents, or of their parents', () => {
    const cursors = [at('a', NOON_MS), at('b', NOON_MS + MINUTE_MS), at('d', null)]
    const lanes = [closed('a'), closed('b'), closed('c', 'a', 'b'), open('d', 'c'), open('e', 'c')]
    expect(watermarkOf(lanes, cursors, END_MS)).toBe(NOON_MS - DEFAULT_LATENESS_MS)
    expect(watermarkOf([open('c', 'gone')], [at('gone', NOON_MS)], END_MS)).toBe(NOON_MS - DEFAULT_LATENESS_MS)
  })
})

it('a window is closed when every event that can still arrive for it is late', () => {
  const anyTime = fc.integer({ min: 0, max: NOON_MS })
  fc.assert(
    fc.property(anyTime, fc.integer({ min: -30 * MINUTE_MS, max: 30 * MINUTE_MS }), (eventMs, afterMs) => {
      const arrivalMs = eventMs + afterMs
      const watermarkMs = watermarkOf([open('a')], [at('a', arrivalMs)], END_MS)
      expect(isClosed(windowOf(eventMs), watermarkMs)).toBe(isLate(eventMs, arrivalMs, DEFAULT_LATENESS_MS))
    }),
  )
  expect(isClosed(0, null)).toBe(false)
})

interface Arrived {
  lane: string
  arrivalMs: number
  eventMs: number
}

interface History {
  lanes: Lane[]
  /** Records in the order in which the log stored them. */
  records: Arrived[]
}

/** Steps of a log: it stores a record in one of its open lanes, splits a lane, or merges two. */
const steps = fc.array(
  fc.record({
    what: fc.constantFrom(...Array(8).fill('event'), ...Array(4).fill('heartbeats'), 'split', 'merge'),
    lane: fc.nat(9),
    passedMs: fc.nat(4 * MINUTE_MS),
    ageMs: fc.oneof(fc.nat(2 * MINUTE_MS), fc.nat(40 * MINUTE_MS)),
  }),
  { minLength: 20, maxLength: 60, size: 'max' },
)

function play(sequence: { what: string; lane: number; passedMs: number; ageMs: number }[]): History {
  let nowMs = NOON_MS
  const lanes: Lane[] = [open('0'), open('1')]
  const records: Arrived[] = []
  const beat = () => {
    for (const { name } of lanes.filter(lane => !lane.closed)) {
      records.push({ lane: name, arrivalMs: nowMs, eventMs: Number.NaN })
    }
  }
  beat()
  const close = (lane: Lane) => {
    lane.closed = true
    return lane.name
  }
  for (const { what, lane, passedMs, ageMs } of sequence) {
    nowMs += passedMs
    const ofLog = lanes.filter(each => !each.closed)
    const chosen = ofLog[lane % ofLog.length] as Lane
    const other = ofLog[(lane + 1) % ofLog.length] as Lane
    if (what === 'event') records.push({ lane: chosen.name, arrivalMs: nowMs, eventMs: nowMs - ageMs })
    if (what === 'heartbeats') beat()
    if (what === 'split') {
      const parent = close(chosen)
      for (let child = 0; child < 2; child++) lanes.push(open(String(lanes.length), parent))
    }
    if (what === 'merge' && chosen !== other) lanes.push(open(String(lanes.length), close(chosen), close(other)))
  }
  return { lanes, records }
}

/** Applies a part of each lane, but records of a child lane only after its parents are complete. */
function applied({ lanes, records }: History, shares: number[]): { done: Set<Arrived>; cursors: Cursor[] } {
  const done = new Set<Arrived>()
  const finished = new Set<string>()
  const cursors: Cursor[] = []
  for (const [index, { name, parents }] of lanes.entries()) {
    if (!parents.every(parent => finished.has(parent))) continue
    const mine = records.filter(({ lane }) => lane === name)
    const count = Math.round(mine.length * (shares[index % shares.length] as number))
    for (const record of mine.slice(0, count)) done.add(record)
    if (count === mine.length) finished.add(name)
    if (count > 0) cursors.push(at(name, (mine[count - 1] as Arrived).arrivalMs))
  }
  return { done, cursors }
}

const shares = fc.array(fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })), {
  minLength: 1,
  maxLength: 8,
})

/** Allowed latenesses: the one by default, and ones that change while records arrive, to longer or shorter. */
const latenesses = fc.oneof(
  fc.constant(DEFAULT_LATENESS),
  fc
    .tuple(fc.integer({ min: 1, max: 30 }), fc.nat(60), fc.integer({ min: 1, max: 30 }))
    .map(([before, minute, after]) =>
      withLateness([{ since: 0, ms: before * MINUTE_MS }], NOON_MS + minute * MINUTE_MS, after * MINUTE_MS),
    ),
)

describe('a closed window', () => {
  it('has all its events that were not late, even when lanes lag and split', () => {
    let promises = 0
    fc.assert(
      fc.property(steps, shares, latenesses, (sequence, parts, lateness) => {
        const history = play(sequence)
        const { done, cursors } = applied(history, parts)
        const watermarkMs = watermarkUnder(history.lanes, cursors, END_MS, lateness)
        for (const record of history.records) {
          const { eventMs, arrivalMs } = record
          if (Number.isNaN(eventMs) || isLate(eventMs, arrivalMs, latenessAt(lateness, arrivalMs))) continue
          if (!isClosed(windowOf(eventMs), watermarkMs)) continue
          promises++
          expect(done.has(record)).toBe(true)
        }
      }),
      { numRuns: 2_000 },
    )
    expect(promises).toBeGreaterThan(1_000)
  })

  it('stays closed while the lanes continue, and through a reshard', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (sequence, cut) => {
        let before: number | null = null
        for (const length of [cut % sequence.length, sequence.length]) {
          const history = play(sequence.slice(0, length))
          const { cursors } = applied(history, [1])
          const watermarkMs = watermarkOf(history.lanes, cursors, END_MS)
          if (before !== null) expect(watermarkMs).toBeGreaterThanOrEqual(before)
          before = watermarkMs
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('of an idle stream is closed by heartbeats alone', () => {
    const windowStart = windowOf(NOON_MS)
    const closesMs = windowStart + WINDOW_MS + DEFAULT_LATENESS_MS
    const lanes = [open('a'), open('b')]
    expect(isClosed(windowStart, watermarkOf(lanes, [at('a', closesMs), at('b', closesMs - 1)], END_MS))).toBe(false)
    expect(isClosed(windowStart, watermarkOf(lanes, [at('a', closesMs), at('b', closesMs)], END_MS))).toBe(true)
  })
})
