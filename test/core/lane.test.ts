import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { POSITION_DIGITS, START, toPosition, toSequenceNumber } from '../../functions/core/lane.ts'

const sequences = fc.bigInt({ min: 0n, max: 10n ** 56n - 1n })

describe('a position', () => {
  it('has the same order as text as its sequence number has as a number', () => {
    const close = fc.tuple(sequences, fc.bigInt({ min: -2n, max: 2n })).map(([n, by]) => [n, n + by < 0n ? n : n + by])
    fc.assert(
      fc.property(fc.oneof(close, fc.tuple(sequences, sequences)), ([a = 0n, b = 0n]) => {
        fc.pre(b < 10n ** 56n)
        const [one, other] = [toPosition(a), toPosition(b)]
        expect(one < other).toBe(a < b)
        expect(one === other).toBe(a === b)
        expect([one, other].sort()).toEqual(a < b ? [one, other] : [other, one])
      }),
    )
  })

  it('comes after the start, even the first one', () => {
    expect(toPosition(0) > START).toBe(true)
  })

  it('has 56 digits, as many as a position of Kinesis', () => {
    const longest = '49671438461938461938461938461938461938461938461938461938'
    expect(longest).toHaveLength(POSITION_DIGITS)
    expect(toPosition(longest)).toBe(longest)
    for (const sequence of [0, 7, 2 ** 53, 12n, '0012']) expect(toPosition(sequence)).toHaveLength(POSITION_DIGITS)
  })

  it('returns the sequence number as the log writes it', () => {
    fc.assert(fc.property(sequences, sequence => toSequenceNumber(toPosition(sequence)) === String(sequence)))
    expect(toSequenceNumber(toPosition(0))).toBe('0')
  })

  it.each(['', '-1', '1.5', '1e21', ' 1', '1\n', '0x10', '١', '1'.repeat(57), Number.NaN, -1, 1.5, 1e21])(
    'is not made of %j',
    sequence => {
      expect(() => toPosition(sequence)).toThrow('is not a sequence number')
    },
  )
})
