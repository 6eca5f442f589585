import { BANDS, type Band } from './event.ts'
import { DAY_MS } from './time.ts'
import { addTotals, emptyTotals, type Totals } from './totals.ts'

/**
 * What the batch layer keeps of a set of events: the totals that the speed layer keeps too, and what further
 * statistics are made of. All of it integers, so that adding is exact in any order and grouping.
 */
export interface History {
  totals: Totals
  /** Of the images where the band was measured; their count and the band's sum are in the totals. */
  moments: Record<Band, Moments>
  time: TimeMoments
  /** How many images have a mean NDVI of the bin: n stands for n / 1000 up to, not including, (n + 1) / 1000. */
  histogram: ReadonlyMap<number, number>
}

export interface Moments {
  squareSum: bigint
  ndviSum: bigint
  ndviSquareSum: bigint
  /** Of band times NDVI. */
  productSum: bigint
}

/** Sums over images of their event's UTC day, counted from the epoch. */
export interface TimeMoments {
  daySum: bigint
  daySquareSum: bigint
  /** Of day times NDVI. */
  productSum: bigint
}

export function emptyHistory(): History {
  const moments = {} as Record<Band, Moments>
  for (const band of BANDS) moments[band] = { squareSum: 0n, ndviSum: 0n, ndviSquareSum: 0n, productSum: 0n }
  const time = { daySum: 0n, daySquareSum: 0n, productSum: 0n }
  return { totals: emptyTotals(), moments, time, histogram: new Map() }
}

export function addHistories(a: History, b: History): History {
  const moments = {} as Record<Band, Moments>
  for (const band of BANDS) moments[band] = addFields(a.moments[band], b.moments[band])
  const histogram = new Map(a.histogram)
  for (const [bin, count] of b.histogram) histogram.set(bin, (histogram.get(bin) ?? 0) + count)
  return { totals: addTotals(a.totals, b.totals), moments, time: addFields(a.time, b.time), histogram }
}

function addFields<Sums extends { [name in keyof Sums]: bigint }>(a: Sums, b: Sums): Sums {
  const names = Object.keys(a) as (keyof Sums)[]
  return Object.fromEntries(names.map(name => [name, a[name] + b[name]])) as unknown as Sums
}

/** The time moments of images of one day. @param day YYYY-MM-DD */
export function timeMoments(day: string, { count, ndviSum }: Totals): TimeMoments {
  const number = BigInt(Date.parse(day) / DAY_MS)
  const images = BigInt(count)
  return { daySum: number * images, daySquareSum: number * number * images, productSum: number * ndviSum }
}
