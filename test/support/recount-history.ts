import type { Band, ImageEvent } from '../../functions/core/event.ts'
import type { Moments } from '../../functions/core/history.ts'

/** Number of images in each NDVI bin. A mean of -0.0004 is in the bin of -0.001. */
export function recountBins(of: readonly ImageEvent[]): Map<number, number> {
  const bins = new Map<number, number>()
  for (const event of of) {
    const bin = Math.floor(event.ndviMean / 1_000)
    bins.set(bin, (bins.get(bin) ?? 0) + 1)
  }
  return bins
}

/** Sums of squares and products of a band, over the images where it was measured. */
export function recountMoments(of: readonly ImageEvent[], band: Band): Moments {
  const moments = { squareSum: 0n, ndviSum: 0n, ndviSquareSum: 0n, productSum: 0n }
  for (const event of of) {
    const value = event[band]
    if (value === null) continue
    const [of, ndvi] = [BigInt(value), BigInt(event.ndviMean)]
    moments.squareSum += of * of
    moments.ndviSum += ndvi
    moments.ndviSquareSum += ndvi * ndvi
    moments.productSum += of * ndvi
  }
  return moments
}
