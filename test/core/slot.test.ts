import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  firstCut,
  IMPORT_SLOT,
  lookBackMs,
  parseSlotLength,
  parseSlotName,
  RETRY_LIMIT_MS,
  slotName,
  slotOf,
} from '../../functions/core/slot.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'

const LENGTHS = [SECOND_MS, 2 * SECOND_MS, 45 * SECOND_MS, MINUTE_MS, 90 * SECOND_MS, 5 * MINUTE_MS, HOUR_MS, DAY_MS]
const lengths = fc.constantFrom(...LENGTHS)
const times = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })

describe('an arrival slot', () => {
  it('begins at a multiple of the slot length, and includes its start but not its end', () => {
    const start = Date.UTC(2026, 10, 22, 14)
    expect(slotOf(start, HOUR_MS)).toBe(start)
    expect(slotOf(start + HOUR_MS - 1, HOUR_MS)).toBe(start)
    expect(slotOf(start + HOUR_MS, HOUR_MS)).toBe(start + HOUR_MS)
    expect(slotOf(start - 1, HOUR_MS)).toBe(start - HOUR_MS)
  })

  it('has a name that can be the name of a folder', () => {
    expect(slotName(Date.UTC(2026, 10, 22, 14), HOUR_MS)).toBe('2026-11-22T14-00')
    expect(slotName(Date.UTC(2026, 10, 22, 14, 5), MINUTE_MS)).toBe('2026-11-22T14-05')
    expect(slotName(Date.UTC(2026, 10, 22, 14, 5, 8), 2 * SECOND_MS)).toBe('2026-11-22T14-05-08')
    expect(slotName(Date.UTC(2026, 10, 22, 14, 4, 30), 90 * SECOND_MS)).toBe('2026-11-22T14-04-30')
  })

  it('is found by its name, and names sort in the order of slots', () => {
    fc.assert(
      fc.property(lengths, times, times, (length, one, other) => {
        const [a, b] = [slotOf(one, length), slotOf(other, length)]
        expect(parseSlotName(slotName(a, length))).toBe(a)
        expect(slotName(a, length) < slotName(b, length)).toBe(a < b)
      }),
    )
  })

  it.each([
    '',
    'now',
    '2026-11-22',
    '2026-11-22T14',
    '2026-11-22T14:00',
    '2026-11-22T14-00-00-00',
    '../2026-11-22T14-00',
  ])('is never named %j', name => {
    expect(() => parseSlotName(name)).toThrow(`'${name}' is not the name of an arrival slot`)
  })

  it('at the epoch is the slot of imports, and the first cut comes after it', () => {
    for (const length of LENGTHS) {
      expect(IMPORT_SLOT).toBeLessThan(firstCut(length))
      expect(slotOf(firstCut(length), length)).toBe(firstCut(length))
    }
  })
})

describe('a slot length', () => {
  it.each([
    ['1s', SECOND_MS],
    ['45s', 45 * SECOND_MS],
    ['90s', 90 * SECOND_MS],
    ['1m', MINUTE_MS],
    ['1h', HOUR_MS],
    ['24h', DAY_MS],
    ['1440m', DAY_MS],
    ['86400s', DAY_MS],
  ])('may be written %s', (text, ms) => {
    expect(parseSlotLength(text)).toBe(ms)
  })

  it.each([
    '',
    '0s',
    '0m',
    '7s',
    '7m',
    '5h',
    '25h',
    '48h',
    '1d',
    '1',
    's',
    '1.5m',
    '-1m',
    ' 1m',
    '1m ',
    '1M',
    '1e3s',
    '100000s',
  ])('may not be written %j', text => {
    expect(() => parseSlotLength(text)).toThrow(`'${text}' is not a slot length`)
  })
})

describe('the look-back', () => {
  it('is a number of whole slots, covers the retries and one slot, and is as short as possible', () => {
    for (const length of LENGTHS) {
      const look = lookBackMs(length)
      expect(look % length).toBe(0)
      expect(look).toBeGreaterThanOrEqual(RETRY_LIMIT_MS + length)
      expect(look).toBeLessThan(RETRY_LIMIT_MS + 2 * length)
    }
  })

  it('reaches from the slot of any retry back to the slot of the first attempt', () => {
    fc.assert(
      fc.property(lengths, times, fc.integer({ min: 0, max: RETRY_LIMIT_MS }), (length, sentMs, laterMs) => {
        const first = slotOf(sentMs, length)
        const retry = slotOf(sentMs + laterMs, length)
        expect(first).toBeGreaterThanOrEqual(retry - lookBackMs(length))
      }),
    )
  })
})
