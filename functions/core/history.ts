import { BANDS, type Band } from './event.ts'
import { DAY_MS } from './time.ts'
import { addTotals, emptyTotals, type Totals } from './totals.ts'

/**
 * Sums that the batch layer keeps for a set of events: the totals that the speed layer keeps too, and the moments for
 * further statistics. All are integers, so that adding is exact in any order and grouping.
 */
export interface History {
  totals: Totals
  /** Moments over the images in which the band was measured. Their count and the band's sum are in the totals. */
  moments: Record<Band, Moments>
  time: TimeMoments
  /** Number of images by bin of mean NDVI. Bin n holds n / 1000 up to, but not including, (n + 1) / 1000. */
  histogram: ReadonlyMap<number, number>
}

/** Sums of a band, over the images that have the band. All are exact integers. */
export interface Moments {
  squareSum: bigint
  ndviSum: bigint
  ndviSquareSum: bigint
  /** Sum of band times NDVI. */
  productSum: bigint
}

/** Sums over images of the UTC day of their event, counted from the epoch. */
export interface TimeMoments {
  daySum: bigint
  daySquareSum: bigint
  /** Sum of day times NDVI. */
  productSum: bigint
}

/** History of no images. */
export function emptyHistory(): History {
  const moments = {} as Record<Band, Moments>
  for (const band of BANDS) moments[band] = { squareSum: 0n, ndviSum: 0n, ndviSquareSum: 0n, productSum: 0n }
  const time = { daySum: 0n, daySquareSum: 0n, productSum: 0n }
  return { totals: emptyTotals(), moments, time, histogram: new Map() }
}

/** Adds up two histories. Neither is changed. */
export function addHistories(a: History, b: History): History {
  return sumHistories([a, b])
}

/** Adds up histories. The cost depends on the bins that they contain, not on the bins of the result. */
export function sumHistories(histories: Iterable<History>): History {
  const { moments, time } = emptyHistory()
  let totals = emptyTotals()
  const histogram = new Map<number, number>()
  for (const each of histories) {
    totals = addTotals(totals, each.totals)
    for (const band of BANDS) addInto(moments[band], each.moments[band])
    addInto(time, each.time)
    for (const [bin, count] of each.histogram) histogram.set(bin, (histogram.get(bin) ?? 0) + count)
  }
  return { totals, moments, time, histogram }
}

function addInto<Sums extends { [name in keyof Sums]: bigint }>(sums: Sums, more: Sums): void {
  for (const name in sums) sums[name] = (sums[name] + more[name]) as Sums[typeof name]
}

/**
 * Computes the time moments of images that were taken on one day.
 *
 * @param day YYYY-MM-DD
 */
export function timeMoments(day: string, { count, ndviSum }: Totals): TimeMoments {
  const number = BigInt(Date.parse(day) / DAY_MS)
  const images = BigInt(count)
  return { daySum: number * images, daySquareSum: number * number * images, productSum: number * ndviSum }
}
