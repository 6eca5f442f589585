/** Median of whole numbers, rounded. @throws RangeError when there are none */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values have no median')
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[half] as number
  return Math.round(((sorted[half - 1] as number) + (sorted[half] as number)) / 2)
}
