import { SITE_BINS, siteBinOf } from './season.ts'

/** Counts and sums of whole numbers in each ten-day bin of the year. They add up in any order. */
export interface SeasonSums {
  counts: number[]
  sums: number[]
}

/** Bins on each side that belong to the same season: 25 days before and after. */
const HALF = 2

/** Sums of no values. */
export function emptySeasonSums(): SeasonSums {
  return { counts: new Array<number>(SITE_BINS).fill(0), sums: new Array<number>(SITE_BINS).fill(0) }
}

/** Adds a value to the ten-day bin of its time, in place. */
export function countIntoSeason({ counts, sums }: SeasonSums, eventMs: number, value: number): void {
  const bin = siteBinOf(eventMs)
  counts[bin] = (counts[bin] as number) + 1
  sums[bin] = (sums[bin] as number) + value
}

/** Adds other sums to the first ones, in place. */
export function addSeasonSums(into: SeasonSums, other: SeasonSums): void {
  into.counts = into.counts.map((count, bin) => count + (other.counts[bin] as number))
  into.sums = into.sums.map((sum, bin) => sum + (other.sums[bin] as number))
}

/** Mean of the values around a time of the year. Null where they are fewer than `least`. */
export function seasonMeanAt({ counts, sums }: SeasonSums, eventMs: number, least = 1): number | null {
  const middle = siteBinOf(eventMs)
  let [count, sum] = [0, 0]
  for (let bin = middle - HALF; bin <= middle + HALF; bin++) {
    const at = (bin + SITE_BINS) % SITE_BINS
    count += counts[at] as number
    sum += sums[at] as number
  }
  return count < least ? null : sum / count
}
