import { describe, expect, it } from 'vitest'
import {
  type ClockReading,
  CONFIRMED_MS,
  LEAP_MS,
  leapGuard,
  nextArrivalMs,
  STANDSTILL_MS,
} from '../../functions/core/arrival-clock.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { NOON_MS } from '../support/factories.ts'

const LAST = { arrivalMs: NOON_MS, upMs: 1_000, boot: 'a' }

/** Clock readings some time after the last arrival, with the wall clock set forward or back by some ms. */
const clocksAfter = (ms: number, setByMs = 0, boot = 'a'): ClockReading => ({
  wallMs: NOON_MS + ms + setByMs,
  upMs: LAST.upMs + ms,
  boot,
})

describe('the arrival time', () => {
  it('is the wall clock in an empty log, and in a log whose newest arrival is in the past', () => {
    expect(nextArrivalMs(clocksAfter(5), undefined)).toBe(NOON_MS + 5)
    expect(nextArrivalMs(clocksAfter(0), LAST)).toBe(NOON_MS)
    expect(nextArrivalMs(clocksAfter(5), LAST)).toBe(NOON_MS + 5)
    expect(nextArrivalMs(clocksAfter(5, 10 * HOUR_MS), LAST)).toBe(NOON_MS + 5 + 10 * HOUR_MS)
  })

  it('stands still when the wall clock was set back by a minute or less', () => {
    expect(nextArrivalMs(clocksAfter(5_000, -5_001), LAST)).toBe(NOON_MS)
    expect(nextArrivalMs(clocksAfter(5_000, -5_000 - STANDSTILL_MS), LAST)).toBe(NOON_MS)
  })

  it('runs at half speed when it is further ahead, until the wall clock has caught up', () => {
    expect(nextArrivalMs(clocksAfter(5_001, -5_002 - STANDSTILL_MS), LAST)).toBe(NOON_MS + 2_500)
    let last = LAST
    let passedMs = 0
    while (NOON_MS + passedMs - 6 * HOUR_MS < last.arrivalMs) {
      passedMs += 60_000
      const now = clocksAfter(passedMs, -6 * HOUR_MS)
      const arrivalMs = nextArrivalMs(now, last)
      expect(arrivalMs).toBeGreaterThanOrEqual(last.arrivalMs)
      last = { arrivalMs, upMs: now.upMs, boot: 'a' }
    }
    expect(passedMs).toBeGreaterThan(11.9 * HOUR_MS)
    expect(passedMs).toBeLessThanOrEqual(12 * HOUR_MS)
  })

  it('stands still after a restart of the machine, because the elapsed time is unknown', () => {
    expect(nextArrivalMs({ ...clocksAfter(HOUR_MS, -6 * HOUR_MS), boot: 'b' }, LAST)).toBe(NOON_MS)
    expect(nextArrivalMs({ ...clocksAfter(0, -6 * HOUR_MS), upMs: 0 }, LAST)).toBe(NOON_MS)
  })
})

describe('a wall clock that leaps ahead', () => {
  const leap = 24 * HOUR_MS

  it('by up to an hour more than the elapsed time is trusted', () => {
    const refuse = leapGuard()
    expect(() => refuse(clocksAfter(5_000, LEAP_MS), LAST)).not.toThrow()
    expect(() => refuse(clocksAfter(5_000, LEAP_MS + 1), LAST)).toThrow('60 minutes ahead, to 2')
  })

  it('is trusted after it has stayed so for a minute, and not before', () => {
    const refuse = leapGuard()
    expect(() => refuse(clocksAfter(0, leap), LAST)).toThrow('1440 minutes ahead')
    expect(() => refuse(clocksAfter(CONFIRMED_MS - 1, leap), LAST)).toThrow('nothing is stored')
    expect(() => refuse(clocksAfter(CONFIRMED_MS, leap), LAST)).not.toThrow()
  })

  it('is trusted at once when it has leapt back, and its next leap needs a minute again', () => {
    const refuse = leapGuard()
    expect(() => refuse(clocksAfter(0, leap), LAST)).toThrow()
    expect(() => refuse(clocksAfter(30_000), LAST)).not.toThrow()
    expect(() => refuse(clocksAfter(CONFIRMED_MS + 1, leap), LAST)).toThrow()
  })

  it('is not trusted sooner when it leaps from one time to another', () => {
    const refuse = leapGuard()
    expect(() => refuse(clocksAfter(0, leap), LAST)).toThrow()
    expect(() => refuse(clocksAfter(CONFIRMED_MS - 1, 2 * leap), LAST)).toThrow()
    expect(() => refuse(clocksAfter(CONFIRMED_MS, 2 * leap), LAST)).toThrow()
    expect(() => refuse(clocksAfter(2 * CONFIRMED_MS - 1, 2 * leap), LAST)).not.toThrow()
  })

  it('is trusted after a restart of the machine or in an empty log: there is nothing to compare it with', () => {
    expect(() => leapGuard()(clocksAfter(0, leap, 'b'), LAST)).not.toThrow()
    expect(() => leapGuard()({ ...clocksAfter(0, leap), upMs: 0 }, LAST)).not.toThrow()
    expect(() => leapGuard()(clocksAfter(0, leap), undefined)).not.toThrow()
  })

  it('is not a leap when the machine was suspended in between', () => {
    expect(() => leapGuard()(clocksAfter(leap), LAST)).not.toThrow()
  })
})
