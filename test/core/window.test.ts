import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MINUTE_MS } from '../../functions/core/time.ts'
import { isLate, LATENESS_MS, WINDOW_MS, windowOf } from '../../functions/core/window.ts'

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

it('an event is late from five minutes after the end of its window', () => {
  const closes = START + WINDOW_MS + LATENESS_MS
  for (const eventMs of [START, START + WINDOW_MS - 1]) {
    expect(isLate(eventMs, closes - 1)).toBe(false)
    expect(isLate(eventMs, closes)).toBe(true)
  }
  expect(isLate(START + WINDOW_MS, closes)).toBe(false)
  expect(isLate(START, START - MINUTE_MS)).toBe(false)
})
