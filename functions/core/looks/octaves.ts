import { type Distribution, quantileBin } from './histogram.ts'

/**
 * Logarithmic bins for band means: eighths of octaves. Their edges are whole numbers, found exactly, so that SQL that
 * compares with the same edges puts each value into the same bin.
 */

/** Bins for values below 2^30, which is more than the highest band mean. */
const BINS = 240

/** Lowest whole number of bin `k`: the least whose eighth power reaches 2^k. Low bins may be empty. */
export const OCTAVE_EDGES: readonly number[] = Array.from({ length: BINS + 1 }, (_, bin) => lowestOf(bin))

function lowestOf(bin: number): number {
  const target = 1n << BigInt(bin)
  let edge = BigInt(Math.max(1, Math.floor(2 ** (bin / 8)) - 1))
  while (edge ** 8n < target) edge += 1n
  return Number(edge)
}

/** Bin of a whole number from 1 on. */
export function octaveBinOf(value: number): number {
  let [low, high] = [0, BINS]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((OCTAVE_EDGES[middle] as number) <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Lowest edge of bins below which at least a percentage of the values lie. @throws RangeError when empty */
export function octaveQuantile(distribution: Distribution, percent: number): number {
  return OCTAVE_EDGES[quantileBin(distribution, percent) + 1] as number
}
