import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dayOf, formatTimestamp, parseTimestamp } from '../../functions/core/time.ts'

describe('a timestamp', () => {
  it.each([
    ['2026-11-22T14:05:09.123Z', Date.UTC(2026, 10, 22, 14, 5, 9, 123)],
    ['2026-11-22T14:05:09Z', Date.UTC(2026, 10, 22, 14, 5, 9)],
    ['2026-11-22T14:05Z', Date.UTC(2026, 10, 22, 14, 5)],
    ['2026-11-22 14:05:09', Date.UTC(2026, 10, 22, 14, 5, 9)],
    ['2026-11-22', Date.UTC(2026, 10, 22)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['1970-01-01T00:00:00Z', 0],
    ['1969-12-31T23:59:59.999Z', -1],
    ['2024-02-29T00:00:00.000Z', Date.UTC(2024, 1, 29)],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
  ])('%s is read without a change', (text, ms) => {
    expect(parseTimestamp(text)).toBe(ms)
  })

  it.each(['2026-11-22T14:05:09', '2026-11-22T14:05:09.123', '2026-11-22 14:05'])(
    '%s names no zone and is UTC, in any zone of the machine',
    text => {
      const zone = process.env.TZ
      try {
        process.env.TZ = 'Asia/Kathmandu'
        expect(parseTimestamp(text)).toBe(Date.parse(`${text.replace(' ', 'T')}Z`))
      } finally {
        if (zone === undefined) delete process.env.TZ
        else process.env.TZ = zone
      }
    },
  )

  it.each([
    ['2026-11-22T14:05:09+02:00', Date.UTC(2026, 10, 22, 12, 5, 9)],
    ['2026-11-22T14:05:09-0530', Date.UTC(2026, 10, 22, 19, 35, 9)],
    ['2026-01-01T00:30:00+01:00', Date.UTC(2025, 11, 31, 23, 30)],
    ['2026-12-31T23:30:00-01:00', Date.UTC(2027, 0, 1, 0, 30)],
    ['2026-11-22T14:05:09-00:00', Date.UTC(2026, 10, 22, 14, 5, 9)],
    ['2026-11-22T14:05:09.5+14:00', Date.UTC(2026, 10, 22, 0, 5, 9, 500)],
    ['2026-11-22 14:05:09.5+00', Date.UTC(2026, 10, 22, 14, 5, 9, 500)],
    ['2026-11-22 14:05:09-03', Date.UTC(2026, 10, 22, 17, 5, 9)],
    ['2026-11-22 14:05:09 UTC', Date.UTC(2026, 10, 22, 14, 5, 9)],
  ])('%s is shifted by its time zone', (text, ms) => {
    expect(parseTimestamp(text)).toBe(ms)
  })

  it.each([
    ['2026-11-22T14:05:09.1Z', 100],
    ['2026-11-22T14:05:09.12Z', 120],
    ['2026-11-22T14:05:09,123Z', 123],
    ['2026-11-22T14:05:09.1239Z', 123],
    ['2026-11-22T14:05:09.999999999Z', 999],
    ['2026-11-22T14:05:09.000001Z', 0],
  ])('%s has its fraction truncated to milliseconds, never rounded', (text, milli) => {
    expect((parseTimestamp(text) as number) % 1000).toBe(milli)
  })

  it.each([
    '2026-02-29T00:00:00Z',
    '2026-02-29',
    '2026-02-29T00:00:00.000Z',
    '2100-02-29T00:00:00.000Z',
    '2026-04-31T00:00:00.000Z',
    '2026-00-10T00:00:00Z',
    '2026-13-10T00:00:00.000Z',
    '2026-01-00T00:00:00.000Z',
    '2026-01-32T00:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T14:60:00.000Z',
    '2026-11-22T14:05:60Z',
    '2026-11-22T14:05:09+24:00',
    '2026-11-22T14:05:09+02:60',
  ])('%s does not exist on any calendar or clock', text => {
    expect(parseTimestamp(text)).toBeNull()
  })

  it.each(['0070-01-01T00:00:00Z', '0099-12-31T23:59:59.000Z', '0000-01-01T00:00:00Z'])(
    '%s is a year of antiquity, not of the last century',
    text => {
      expect(parseTimestamp(text) ?? -1).toBeLessThan(0)
    },
  )

  it.each([
    '',
    'yesterday',
    '2026-11',
    '2026-11-22Z',
    '2026-11-22 UTC',
    '2026-11-22T14',
    '20261122T140509Z',
    '2026-11-22T14:05:09 Z',
    '2026-11-22T14:05:09z',
    '2026-11-22T14:05:09.Z',
    '2026-11-22T14:05:09.1234567890Z',
    ' 2026-11-22T14:05:09Z',
    '2026-11-22T14:05:09Z\n',
    '2026-11-22T14:05:09+2',
    '2026-11-22T14:05:09+020',
    '2026-11-22T14:05:09UTC',
    '2026-11-22T14:05:09 utc',
    '+002026-11-22T14:05:09Z',
    '1700000000000',
    '2026-11-2xT14:05:09.123Z',
    '2026-11-22T14:05:09.12xZ',
    '２０26-11-22T14:05:09.123Z',
  ])('%j is not a timestamp', text => {
    expect(parseTimestamp(text)).toBeNull()
  })

  it('is read again from its own text', () => {
    const ms = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) })
    fc.assert(fc.property(ms, time => parseTimestamp(formatTimestamp(time)) === time))
  })

  it('means the same in every form of the same moment', () => {
    const zone = fc.integer({ min: -14 * 60, max: 14 * 60 })
    const ms = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) })
    fc.assert(
      fc.property(ms, zone, (time, minutes) => {
        const local = new Date(time + minutes * 60_000).toISOString().slice(0, -1)
        const hours = String(Math.floor(Math.abs(minutes) / 60)).padStart(2, '0')
        const rest = String(Math.abs(minutes) % 60).padStart(2, '0')
        const text = `${local}${minutes < 0 ? '-' : '+'}${hours}:${rest}`
        expect(parseTimestamp(text)).toBe(time)
        expect(parseTimestamp(text.replace('T', ' '))).toBe(time)
      }),
    )
  })

  it('agrees with the platform on texts that look like a timestamp', () => {
    const two = fc.integer({ min: 0, max: 70 }).map(part => String(part).padStart(2, '0'))
    const year = fc.integer({ min: 100, max: 9999 })
    fc.assert(
      fc.property(year, two, two, two, two, two, (year, month, day, hour, minute, second) => {
        const text = `${String(year).padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}.000Z`
        const read = parseTimestamp(text)
        if (read !== null) expect(new Date(read).toISOString()).toBe(text)
        else expect(textOf(Date.parse(text))).not.toBe(text)
      }),
      { numRuns: 2000 },
    )
  })
})

it('the day of a time is its UTC day', () => {
  expect(dayOf(Date.UTC(2026, 10, 22, 23, 59, 59, 999))).toBe('2026-11-22')
  expect(dayOf(Date.UTC(2026, 10, 23))).toBe('2026-11-23')
  expect(dayOf(0)).toBe('1970-01-01')
})

function textOf(ms: number): string | null {
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}
