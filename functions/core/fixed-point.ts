/**
 * Conversion to fixed point. NDVI values become integers of 1e-6, band means of 1e-3 and degrees of 1e-7, once, when an
 * event is decoded. All later sums are sums of integers: exact, and the same in any order and grouping.
 */

export const MICRO = 1_000_000
export const MILLI = 1_000
export const E7 = 10_000_000

/** Converts NDVI to millionths. `+ 0` turns -0 into 0, so that equal values have equal bits. */
export function toMicro(value: number): number {
  return Math.round(value * MICRO) + 0
}

/** Band mean as an integer of 1e-3, never -0. */
export function toMilli(value: number): number {
  return Math.round(value * MILLI) + 0
}

/** Degrees as an integer of 1e-7, never -0. */
export function toDegreesE7(value: number): number {
  return Math.round(value * E7) + 0
}

/** Nearest whole number, never -0. */
export function toWhole(value: number): number {
  return Math.round(value) + 0
}

/** NDVI of an integer of 1e-6. */
export function fromMicro(micro: number): number {
  return micro / MICRO
}

/** Band mean of an integer of 1e-3. */
export function fromMilli(milli: number): number {
  return milli / MILLI
}

/** Degrees of an integer of 1e-7. */
export function fromDegreesE7(degreesE7: number): number {
  return degreesE7 / E7
}
