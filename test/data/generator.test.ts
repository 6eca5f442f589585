import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { CLASSES, type GeneratedImage, generateImages, liveImage, toWireEvent } from '../../data/generator.ts'
import { decodeEvent } from '../../functions/core/event.ts'
import { DAY_MS } from '../../functions/core/time.ts'

const UNTIL_MS = Date.UTC(2026, 10, 1)

/** Expected size in the full set, and mean and sd of ndvi_mean of the real tiles. */
const LISTED: Record<string, [size: number, mean: number, sd: number]> = {
  AnnualCrop: [3000, 0.42, 0.197],
  Forest: [3000, 0.706, 0.07],
  HerbaceousVegetation: [3000, 0.372, 0.14],
  Highway: [2500, 0.424, 0.142],
  Industrial: [2500, 0.211, 0.066],
  Pasture: [2000, 0.656, 0.095],
  PermanentCrop: [2500, 0.376, 0.109],
  Residential: [3000, 0.409, 0.085],
  River: [2500, 0.285, 0.195],
  SeaLake: [3000, -0.238, 0.135],
}

function history(options: Partial<Parameters<typeof generateImages>[0]> = {}): GeneratedImage[] {
  return [...generateImages({ seed: 1, untilMs: UNTIL_MS, ...options })]
}

function meanAndSd(values: number[]): [mean: number, sd: number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return [mean, Math.sqrt(squares / (values.length - 1))]
}

function sizes(images: GeneratedImage[]): Record<string, number> {
  return Object.fromEntries(
    CLASSES.map(({ className }) => [className, images.filter(image => image.className === className).length]),
  )
}

const full = history()
const live = Array.from({ length: 20_000 }, (_, index) => liveImage({ seed: 1, index, atMs: UNTIL_MS + index * 1000 }))

describe('the generated history', () => {
  it('has the class sizes of the full set', () => {
    expect(sizes(full)).toEqual(Object.fromEntries(Object.entries(LISTED).map(([name, [size]]) => [name, size])))
  })

  it.each([0, 1, 7, 99, 540, 1001])('has exactly %i images on request', images => {
    const made = history({ images })
    expect(made).toHaveLength(images)
    for (const [name, size] of Object.entries(sizes(made))) {
      expect(Math.abs(size - (images * (LISTED[name]?.[0] ?? 0)) / 27_000)).toBeLessThan(1)
    }
  })

  it.each([
    ['October, within 0.1 sd', 30, 0.1],
    ['a whole year, within 0.1 sd', 365, 0.1],
  ])('has the mean and sd of the real tiles over %s', (_, days, tolerance) => {
    const images = history({ days }).filter(({ anomaly }) => anomaly === null)
    for (const [name, [, mean, sd]] of Object.entries(LISTED)) {
      const ndvi = images.filter(image => image.className === name).map(image => image.ndviMean)
      const [madeMean, madeSd] = meanAndSd(ndvi)
      expect(Math.abs(madeMean - mean) / sd, `${name}: mean ${madeMean}`).toBeLessThan(tolerance)
      expect(Math.abs(madeSd - sd) / sd, `${name}: sd ${madeSd}`).toBeLessThan(tolerance)
    }
  })

  it('is greener in summer than in winter for vegetation, but not for water', () => {
    const meanIn = (month: number, name: string) =>
      meanAndSd(
        history({ untilMs: Date.UTC(2026, month, 1) })
          .filter(image => image.className === name && image.anomaly === null)
          .map(image => image.ndviMean),
      )[0]
    for (const name of ['Forest', 'Pasture']) {
      expect(meanIn(7, name) - meanIn(1, name)).toBeGreaterThan(0.4 * (LISTED[name]?.[2] as number))
    }
    expect(meanIn(7, 'SeaLake')).toBeCloseTo(meanIn(1, 'SeaLake'), 6)
  })

  it('has ascending times, spread over the days before its end', () => {
    const times = full.map(image => image.timestampMs)
    expect(times.every(Number.isSafeInteger)).toBe(true)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times[0]).toBeGreaterThanOrEqual(UNTIL_MS - 30 * DAY_MS)
    expect(times.at(-1)).toBeLessThan(UNTIL_MS)
    expect(new Set(times.map(ms => ms % 1000)).size).toBe(1000)
  })

  it('mixes the classes: the first 300 images contain all of them', () => {
    expect(Math.min(...Object.values(sizes(full.slice(0, 300))))).toBeGreaterThan(10)
  })

  it('is the same for the same seed, and different for another seed', () => {
    expect(history({ images: 50 })).toEqual(history({ images: 50 }))
    expect(history({ images: 50, seed: 2 })).not.toEqual(history({ images: 50 }))
  })

  it('refuses invalid numbers of images and days', () => {
    expect(() => history({ images: 1.5 })).toThrow(RangeError)
    expect(() => history({ images: -1 })).toThrow(RangeError)
    expect(() => history({ days: 0 })).toThrow(RangeError)
  })
})

describe.each([
  ['history', full],
  ['live', live],
])('every %s image', (_, images) => {
  it('has a mean between its extremes, and a std that is possible for them', () => {
    for (const { ndviMin, ndviMean, ndviMax, ndviStd } of images) {
      expect(-1 <= ndviMin && ndviMin <= ndviMean && ndviMean <= ndviMax && ndviMax <= 1).toBe(true)
      expect(ndviStd).toBeLessThanOrEqual(Math.sqrt((ndviMax - ndviMean) * (ndviMean - ndviMin)) + 1e-6)
    }
  })

  it('has red and near infrared that match its NDVI, and realistic band values', () => {
    for (const image of images) {
      const ndvi = (image.nirMean - image.redMean) / (image.nirMean + image.redMean)
      expect(Math.abs(ndvi - image.ndviMean)).toBeLessThan(1e-4)
      for (const band of [image.redMean, image.greenMean, image.blueMean, image.nirMean]) {
        expect(band > 0 && band < 10_000).toBe(true)
      }
      const brightness = (image.redMean + image.greenMean + image.blueMean) / 3
      expect(Math.abs(image.brightnessMean - brightness)).toBeLessThan(0.001)
    }
  })

  it('is accepted as an event, without loss in fixed point', () => {
    for (const image of images) {
      const event = decodeEvent(toWireEvent(image), image.timestampMs)
      expect(event.eventMs).toBe(image.timestampMs)
      expect(event.ndviMean / 1e6).toBe(image.ndviMean)
      expect(event.nir).toBe(Math.round(image.nirMean * 1000))
      expect((event.nir as number) / 1000).toBe(image.nirMean)
    }
  })

  it('is anomalous in about one case of a hundred, and then far from the mean of its class', () => {
    const anomalous = images.filter(({ anomaly }) => anomaly !== null)
    expect(anomalous.length / images.length).toBeGreaterThan(0.008)
    expect(anomalous.length / images.length).toBeLessThan(0.012)
    for (const { className, ndviMean } of anomalous) {
      const [, mean, sd] = LISTED[className] as [number, number, number]
      expect(Math.abs(ndviMean - mean)).toBeGreaterThanOrEqual(3.5 * sd)
    }
  })
})

describe('live images', () => {
  it('have ids that differ from each other and from the history', () => {
    expect(new Set([...full, ...live].map(({ imageId }) => imageId)).size).toBe(full.length + live.length)
  })

  it('depend only on seed, index and time', () => {
    expect(liveImage({ seed: 1, index: 7, atMs: UNTIL_MS + 7000 })).toEqual(live[7])
    expect(liveImage({ seed: 2, index: 7, atMs: UNTIL_MS + 7000 })).not.toEqual(live[7])
  })

  it('have the class proportions of the full set', () => {
    for (const [name, size] of Object.entries(sizes(live))) {
      expect(Math.abs(size / live.length - (LISTED[name]?.[0] as number) / 27_000)).toBeLessThan(0.01)
    }
  })
})

describe('data/classes.csv', () => {
  it('lists the classes of the generator', async () => {
    const rows = CLASSES.map(({ classId, className }) => `${classId},${className},\n`)
    const file = await readFile(new URL('../../data/classes.csv', import.meta.url), 'utf8')
    expect(file).toBe(`class_id,class_name,since\n${rows.join('')}`)
  })
})
