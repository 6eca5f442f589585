import type { SeenProducers, SeenRecord } from '../../core/cursor.ts'
import { BANDS, type Band } from '../../core/event.ts'
import type { BandTotals, Totals } from '../../core/totals.ts'

/**
 * Text form in which stores keep totals and producers. Sums are digits in quotes, because JSON numbers would round
 * them. Names from outside are values, never keys: `__proto__` is not an ordinary key, and V8 13.6 confuses some keys.
 */

interface StoredTotals {
  count: number
  late_count: number
  ndvi_sum: string
  ndvi_square_sum: string
  ndvi_min: number | null
  ndvi_max: number | null
  /** Number of images that measured the band, and the sum; for each band in the order of BANDS. */
  bands: [count: number, sum: string][]
}

/** Encodes the totals of a row as JSON. Sums are text, because they may be larger than a double holds. */
export function totalsToText(totals: ReadonlyMap<string, Totals>): string {
  return JSON.stringify(Array.from(totals, ([className, of]) => [className, toStored(of)]))
}

function toStored(of: Totals): StoredTotals {
  return {
    count: of.count,
    late_count: of.lateCount,
    ndvi_sum: of.ndviSum.toString(),
    ndvi_square_sum: of.ndviSquareSum.toString(),
    ndvi_min: of.ndviMin,
    ndvi_max: of.ndviMax,
    bands: BANDS.map(band => [of.bands[band].count, of.bands[band].sum.toString()]),
  }
}

/** Decodes what totalsToText has written. */
export function totalsFromText(text: string): Map<string, Totals> {
  const totals = new Map<string, Totals>()
  for (const [className, of] of JSON.parse(text) as [className: string, of: StoredTotals][]) {
    const bands = {} as Record<Band, BandTotals>
    BANDS.forEach((band, index) => {
      const [count, sum] = of.bands[index] ?? [0, '0']
      bands[band] = { count, sum: BigInt(sum) }
    })
    totals.set(className, {
      count: of.count,
      lateCount: of.late_count,
      ndviSum: BigInt(of.ndvi_sum),
      ndviSquareSum: BigInt(of.ndvi_square_sum),
      ndviMin: of.ndvi_min,
      ndviMax: of.ndvi_max,
      bands,
    })
  }
  return totals
}

/** Encodes the producers of a cursor as JSON: an entry for each record. */
export function producersToText(producers: SeenProducers): string {
  const seen = producers
    .entries()
    .flatMap(([producer, records]) => records.map(({ counter, slot }) => [producer, counter, slot]))
  return JSON.stringify([...seen])
}

/** Decodes what producersToText has written. */
export function producersFromText(text: string): Map<string, readonly SeenRecord[]> {
  const producers = new Map<string, readonly SeenRecord[]>()
  for (const [producer, counter, slot] of JSON.parse(text) as [producer: string, counter: number, slot: number][]) {
    producers.set(producer, [...(producers.get(producer) ?? []), { counter, slot }])
  }
  return producers
}
