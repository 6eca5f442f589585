export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Smallest value that is not below the given share of all values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] as number
}

export function printTable(title: string, rows: object[]): void {
  console.log(`\n${title}`)
  console.table(rows)
}
