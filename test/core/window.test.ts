import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DEFAULT_LATENESS_MS } from '../../functions/core/lateness.ts'
import { DAY_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { isLate, WINDOW_MS, windowOf } from '../../functions/core/window.ts'

const START = Date.UTC(2026, 10, 22, 14, 10)

it('a window is ten minutes from a full ten minutes onwards; its end belongs to the next window', () => {
  expect(windowOf(START)).toBe(START)
  expect(windowOf(START + 10 * MINUTE_MS - 1)).toBe(START)
  expect(windowOf(START + 10 * MINUTE_MS)).toBe(START + 10 * MINUTE_MS)
  expect(windowOf(START - 1)).toBe(START - 10 * MINUTE_MS)
})

it('every moment, also before 1970, lies in exactly one window', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e13, max: 1e13 }), ms => {
      const window = windowOf(ms)
      expect(window <= ms && ms < window + WINDOW_MS).toBe(true)
      expect(window / WINDOW_MS).toBe(Math.floor(window / WINDOW_MS))
    }),
  )
  expect(windowOf(-1)).toBe(-WINDOW_MS)
})

it.each([DEFAULT_LATENESS_MS, 2 * DAY_MS])('an event is late from %d ms after the end of its window', latenessMs => {
  const closes = START + WINDOW_MS + latenessMs
  for (const eventMs of [START, START + WINDOW_MS - 1]) {
    expect(isLate(eventMs, closes - 1, latenessMs)).toBe(false)
    expect(isLate(eventMs, closes, latenessMs)).toBe(true)
  }
  expect(isLate(START + WINDOW_MS, closes, latenessMs)).toBe(false)
  expect(isLate(START, START - MINUTE_MS, latenessMs)).toBe(false)
})
