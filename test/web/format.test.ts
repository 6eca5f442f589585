import { describe, expect, test } from 'vitest'
import {
  createClock,
  formatAge,
  formatBand,
  formatCount,
  formatDifference,
  formatDuration,
  formatNdvi,
  formatScore,
  plural,
} from '../../web/view-models/format.ts'

describe('numbers', () => {
  test('unknown is always a dash', () => {
    for (const format of [
      formatCount,
      formatNdvi,
      formatDifference,
      formatBand,
      formatScore,
      formatDuration,
      formatAge,
    ])
      expect(format(null)).toBe('–')
  })

  test('negative numbers have a minus sign, and zero has none', () => {
    expect([formatNdvi(-0.1849), formatNdvi(-0.0001), formatDifference(0.02), formatDifference(-0.00001)]).toEqual([
      '−0.185',
      '0.000',
      '+0.020',
      '0.000',
    ])
  })

  test('bands are formatted as reflectance or as sensor counts', () => {
    expect([0.25, 12.34, 1533.6].map(formatBand)).toEqual(['0.250', '12.3', '1,534'])
  })

  test('bands change their number of digits at ten and at a hundred, for both signs', () => {
    expect([9.999, 10, 10.5, 99.94, 100, 100.5, -12.34, -250].map(formatBand)).toEqual([
      '9.999',
      '10.0',
      '10.5',
      '99.9',
      '100',
      '101',
      '−12.3',
      '−250',
    ])
    expect([1234567, 0.4, 2.6].map(formatCount)).toEqual(['1,234,567', '0', '3'])
  })

  test('a score of zero is above', () => {
    expect([formatScore(0), formatScore(0.5), formatScore(-0.5)]).toEqual([
      '0.0 sd above',
      '0.5 sd above',
      '0.5 sd below',
    ])
  })

  test('a score includes its side', () => {
    expect([formatScore(-4.23), formatScore(2)]).toEqual(['4.2 sd below', '2.0 sd above'])
  })

  test('words are singular or plural, by their number', () => {
    expect([plural(1, 'class', 'classes'), plural(2, 'class', 'classes'), plural(0, 'image')]).toEqual([
      '1 class',
      '2 classes',
      '0 images',
    ])
  })
})

describe('durations', () => {
  test('use the most readable unit', () => {
    expect([0, 410, 999.9, 1500, 9960, 45_000, 150_000, 7_200_000, 259_200_000].map(formatDuration)).toEqual([
      '0 ms',
      '410 ms',
      '1.0 s',
      '1.5 s',
      '10 s',
      '45 s',
      '3 min',
      '2 h',
      '3 days',
    ])
  })

  test('change the unit where the rounded number would be too long', () => {
    const SECOND = 1000
    const MINUTE = 60 * SECOND
    const HOUR = 60 * MINUTE
    const spans: [number, string][] = [
      [-1, '0 ms'],
      [999.4, '999 ms'],
      [999.5, '1.0 s'],
      [9_949, '9.9 s'],
      [9_950, '10 s'],
      [99_499, '99 s'],
      [99_500, '2 min'],
      [99.49 * MINUTE, '99 min'],
      [99.5 * MINUTE, '2 h'],
      [47.49 * HOUR, '47 h'],
      [47.5 * HOUR, '2 days'],
      [59 * 24 * HOUR, '59 days'],
      [30 * MINUTE, '30 min'],
      [40 * HOUR, '40 h'],
    ]
    expect(spans.map(([ms]) => formatDuration(ms))).toEqual(spans.map(([, text]) => text))
  })

  test('an age starts with the first whole second', () => {
    expect([999, 1000, 1999, 2000, 60_000, 3_600_000].map(formatAge)).toEqual([
      'just now',
      '1 s ago',
      '1 s ago',
      '2 s ago',
      '60 s ago',
      '60 min ago',
    ])
  })

  test('an age is in whole seconds, and never negative because of clock skew', () => {
    expect([-5000, 300, 3900, 42_000].map(formatAge)).toEqual(['just now', 'just now', '3 s ago', '42 s ago'])
  })
})

describe('times', () => {
  const now = Date.parse('2026-11-22T14:15:00Z')
  const clock = createClock('Europe/Berlin')

  test('are local, and include the day only when it is not today', () => {
    expect(clock.range(now - 900_000, now - 300_000, now)).toBe('15:00–15:10')
    expect(clock.moment(now - 86_400_000, now)).toBe('21 Nov 15:15')
    expect(clock.moment(now - 365 * 86_400_000, now)).toBe('22 Nov 2025 15:15')
    expect(clock.second(now, now)).toBe('15:15:00')
  })

  test('a range that ends on another day includes that day, except for a window that ends at midnight', () => {
    const hours = (from: number, until: number) => clock.range(now + from * 3_600_000, now + until * 3_600_000, now)
    expect(hours(-24, 0)).toBe('21 Nov 15:15–22 Nov 15:15')
    expect(hours(-18, -12)).toBe('21 Nov 21:15–22 Nov 03:15')
    expect(clock.range(Date.parse('2026-11-22T22:50:00Z'), Date.parse('2026-11-22T23:00:00Z'), now)).toBe('23:50–00:00')
  })

  test('the day is the local one', () => {
    const beforeMidnight = Date.parse('2026-11-22T22:59:00Z')
    expect(clock.moment(beforeMidnight, beforeMidnight + 120_000)).toBe('22 Nov 23:59')
  })

  test('are formatted to the minute or the second, and days in UTC', () => {
    expect(clock.zone).toBe('Europe/Berlin')
    expect(clock.minute(now)).toBe('15:15')
    expect(clock.second(now - 86_400_000 + 7_000, now)).toBe('21 Nov 15:15:07')
    expect(clock.range(now - 3_600_000, now, now)).toBe('14:15–15:15')
    const midnight = Date.parse('2026-11-22T23:00:00Z')
    expect(clock.range(midnight - 1_800_000, midnight + 1_800_000, now)).toBe('23:30–00:30')
    expect(clock.range(midnight - 1_800_000, midnight + 1_860_000, now)).toBe('23:30–23 Nov 00:31')
    expect(clock.range(midnight - 2 * 3_600_000, midnight - 1, now)).toBe('22:00–23:59')
    expect(clock.utcDay(midnight + 1_800_000, now)).toBe('22 Nov')
    expect(clock.utcDay(Date.parse('2025-12-31T23:59:59Z'), now)).toBe('31 Dec 2025')
    expect(clock.moment(Date.parse('2025-12-31T23:30:00Z'), now)).toBe('1 Jan 00:30')
  })

  test('the name of the zone depends on the time of the year', () => {
    expect([clock.zoneName(now), clock.zoneName(Date.parse('2026-07-01T00:00:00Z'))]).toEqual(['CET', 'CEST'])
  })
})
