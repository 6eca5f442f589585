import { BANDS, type Band, type ImageEvent } from '../../functions/core/event.ts'
import type { History, Moments } from '../../functions/core/history.ts'
import { DAY_MS } from '../../functions/core/time.ts'
import { Accumulator } from '../../functions/core/totals.ts'

/** History of some images, added up one by one. */
export function historyOf(images: readonly ImageEvent[]): History {
  const accumulator = new Accumulator()
  for (const image of images) accumulator.add(image, false)
  const moments = {} as Record<Band, Moments>
  for (const band of BANDS) {
    const measured = images.flatMap(image => (image[band] === null ? [] : [[image[band], image.ndviMean] as const]))
    moments[band] = {
      squareSum: sum(measured.map(([value]) => product(value, value))),
      ndviSum: sum(measured.map(([, ndvi]) => BigInt(ndvi))),
      ndviSquareSum: sum(measured.map(([, ndvi]) => product(ndvi, ndvi))),
      productSum: sum(measured.map(([value, ndvi]) => product(value, ndvi))),
    }
  }
  const days = images.map(({ eventMs }) => Math.floor(eventMs / DAY_MS))
  const histogram = new Map<number, number>()
  for (const { ndviMean } of images) {
    const bin = Math.floor(ndviMean / 1000)
    histogram.set(bin, (histogram.get(bin) ?? 0) + 1)
  }
  return {
    totals: accumulator.totals(),
    moments,
    time: {
      daySum: sum(days.map(BigInt)),
      daySquareSum: sum(days.map(day => product(day, day))),
      productSum: sum(images.map(({ ndviMean }, index) => product(days[index] as number, ndviMean))),
    },
    histogram,
  }
}

function product(a: number, b: number): bigint {
  return BigInt(a) * BigInt(b)
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}
