/**
 * NDVI values become integers of one millionth, band means integers of one thousandth, once, at decoding. Every sum
 * after that is a sum of integers: exact, and the same in any order and grouping.
 */

export const MICRO = 1_000_000
export const MILLI = 1_000

/** `+ 0` turns -0 into 0, so that equal values are the same bits. */
export function toMicro(value: number): number {
  return Math.round(value * MICRO) + 0
}

export function toMilli(value: number): number {
  return Math.round(value * MILLI) + 0
}

export function fromMicro(micro: number): number {
  return micro / MICRO
}

export function fromMilli(milli: number): number {
  return milli / MILLI
}
