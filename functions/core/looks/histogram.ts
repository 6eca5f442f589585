/** Histogram: bin → count, both whole numbers. Adding is exact in any order. */
export type Histogram = Map<number, number>

/** Adds looks to a bin of the histogram, in place. */
export function countInto(histogram: Histogram, bin: number, count = 1): void {
  histogram.set(bin, (histogram.get(bin) ?? 0) + count)
}

/** Adds the counts of another histogram. */
export function addHistogram(into: Histogram, other: ReadonlyMap<number, number>): void {
  for (const [bin, count] of other) countInto(into, bin, count)
}

/** A histogram's bins in order, with the count of values below each. */
export interface Distribution {
  bins: readonly number[]
  counts: readonly number[]
  below: readonly number[]
  total: number
}

/** Prepares a histogram for quantiles: its bins in order, with the number of looks below each. */
export function distributionOf(histogram: ReadonlyMap<number, number>): Distribution {
  const sorted = [...histogram].sort(([a], [b]) => a - b)
  let total = 0
  const below = sorted.map(([, count]) => {
    const before = total
    total += count
    return before
  })
  return { bins: sorted.map(([bin]) => bin), counts: sorted.map(([, count]) => count), below, total }
}

/** Lowest bin that holds, with those below it, at least a percentage of the values. @throws RangeError when empty */
export function quantileBin({ bins, counts, below, total }: Distribution, percent: number): number {
  const at = bins.findIndex(
    (_, index) => ((below[index] as number) + (counts[index] as number)) * 100 >= percent * total,
  )
  if (at < 0) throw new RangeError('an empty histogram has no quantile')
  return bins[at] as number
}

/** Number of values below a value, in units of a bin's width: those of a bin lie evenly within it. */
function countBelow({ bins, counts, below, total }: Distribution, value: number): number {
  let [low, high] = [0, bins.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((bins[middle] as number) <= value) low = middle + 1
    else high = middle
  }
  if (low === 0) return 0
  const within = value - (bins[low - 1] as number)
  return within >= 1 ? (below[low] ?? total) : (below[low - 1] as number) + within * (counts[low - 1] as number)
}

/** Median, where the values of a bin lie evenly within it. Units of `width`, rounded. @throws RangeError when empty */
export function medianOf(distribution: Distribution, width: number): number {
  const { counts, below, total } = distribution
  const bin = quantileBin(distribution, 50)
  const at = distribution.bins.indexOf(bin)
  return Math.round((bin + (total / 2 - (below[at] as number)) / (counts[at] as number)) * width)
}

/** Median distance from a value, in the units of `width`, rounded up: found by halving. */
export function medianDistance(distribution: Distribution, from: number, width: number): number {
  const { bins, total } = distribution
  const first = bins[0] as number
  const last = (bins.at(-1) as number) + 1
  let low = 0
  let high = Math.ceil(Math.max(last * width - from, from - first * width, 1))
  while (low < high) {
    const distance = (low + high) >> 1
    const within =
      countBelow(distribution, (from + distance) / width) - countBelow(distribution, (from - distance) / width)
    if (2 * within >= total) high = distance
    else low = distance + 1
  }
  return low
}
