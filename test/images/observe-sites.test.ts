import { describe, expect, it } from 'vitest'
import { joinBands } from '../../functions/images/bands/scene-bands.ts'
import { type Place, projectionOf } from '../../functions/images/sites/projection.ts'
import { type Polygon, type Ring, shapeOf } from '../../functions/images/sites/site.ts'
import { observeSites, type Rule } from '../../functions/images/zonal/observe-sites.ts'
import { sceneOf } from '../support/scenes.ts'
import { type Seeded, seeded } from '../support/seeded.ts'
import type { TestRaster, TiffForm } from '../support/tiff.ts'

const PIXELS = { toPixel: (place: Place) => place, toLonLat: (place: Place) => place }
const WIDTH = 61
const HEIGHT = 47
const OFFSET = -0.1

/** Two bands and a mask of half the size, with all that makes pixels not count. */
function randomScene({ next }: Seeded): { raster: TestRaster; mask: TestRaster } {
  const dn = () => (next() < 0.08 ? 0 : next() < 0.05 ? Math.floor(next() * 1000) : 1000 + Math.floor(next() * 9000))
  const band = () => Array.from({ length: WIDTH * HEIGHT }, dn)
  const [width, height] = [Math.ceil(WIDTH / 2), Math.ceil(HEIGHT / 2)]
  const classes = Array.from({ length: width * height }, () => Math.floor(next() * 12))
  return {
    raster: { width: WIDTH, height: HEIGHT, bands: [band(), band()] },
    mask: { width, height, bands: [classes], pixelSize: 20 },
  }
}

/** A star-shaped polygon, often with a hole, also beyond the edges. */
function randomPolygon({ next }: Seeded): Polygon {
  const centre = [next() * (WIDTH + 20) - 10, next() * (HEIGHT + 20) - 10] as const
  const radius = next() < 0.2 ? next() : 1 + next() * 25
  const ring = (scale: number): Ring => {
    const corners = 3 + Math.floor(next() * 9)
    return Array.from({ length: corners }, (_, at) => {
      const angle = (2 * Math.PI * at) / corners
      const reach = radius * scale * (0.6 + 0.4 * next())
      return [centre[0] + reach * Math.cos(angle), centre[1] + reach * Math.sin(angle)] as const
    })
  }
  return next() < 0.4 ? [ring(1), ring(0.25).toReversed()] : [ring(1)]
}

/** Area of a ring within a pixel, by clipping it at the pixel's four sides (Sutherland and Hodgman). */
function areaInPixel(ring: Ring, x: number, y: number): number {
  let points = [...ring]
  for (const [axis, limit, sign] of [
    [0, x, 1],
    [0, x + 1, -1],
    [1, y, 1],
    [1, y + 1, -1],
  ] as const) {
    const isInside = (point: Place) => sign * (point[axis] - limit) >= 0
    points = points.flatMap((point, at) => {
      const before = points.at(at - 1) as Place
      const part = (limit - before[axis]) / (point[axis] - before[axis])
      const crossing: Place = [before[0] + part * (point[0] - before[0]), before[1] + part * (point[1] - before[1])]
      if (isInside(point)) return isInside(before) ? [point] : [crossing, point]
      return isInside(before) ? [crossing] : []
    })
  }
  return Math.abs(areaOf(points))
}

function areaOf(ring: Ring): number {
  return ring.reduce((sum, [x, y], at) => {
    const [beforeX, beforeY] = ring.at(at - 1) as Place
    return sum + (beforeX * y - x * beforeY) / 2
  }, 0)
}

function holdsCentre(ring: Ring, x: number, y: number): boolean {
  return ring.reduce((isInside, [ax, ay], at) => {
    const [bx, by] = ring.at(at - 1) as Place
    const crosses = ay <= y !== by <= y && x < ax + ((y - ay) * (bx - ax)) / (by - ay)
    return crosses ? !isInside : isInside
  }, false)
}

/** The statistics as the documentation defines them, pixel by pixel and slowly. */
function slowStatistics({ raster, mask }: ReturnType<typeof randomScene>, [outer, ...holes]: Polygon, rule: Rule) {
  const weighted: { weight: number; ndvi: number; red: number }[] = []
  let cloudy = 0
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const weight =
        rule === 'centre'
          ? Number(
              holdsCentre(outer as Ring, x + 0.5, y + 0.5) && !holes.some(hole => holdsCentre(hole, x + 0.5, y + 0.5)),
            )
          : areaInPixel(outer as Ring, x, y) - holes.reduce((sum, hole) => sum + areaInPixel(hole, x, y), 0)
      if (weight < 1e-9) continue
      const [redDn, nirDn] = raster.bands.map(band => band[y * WIDTH + x] as number) as [number, number]
      const scl = mask.bands[0]?.[Math.floor((y + 0.5) / 2) * mask.width + Math.floor((x + 0.5) / 2)] as number
      if (redDn === 0 || nirDn === 0 || scl <= 1) continue
      if ([3, 8, 9, 10].includes(scl)) {
        cloudy += weight
        continue
      }
      const [red, nir] = [redDn * 0.0001 + OFFSET, nirDn * 0.0001 + OFFSET]
      if (red < 0 || nir < 0 || red + nir === 0) continue
      weighted.push({ weight, ndvi: (nir - red) / (nir + red), red: redDn })
    }
  }
  const valid = weighted.reduce((sum, { weight }) => sum + weight, 0)
  const mean = weighted.reduce((sum, { weight, ndvi }) => sum + weight * ndvi, 0) / valid
  const variance = weighted.reduce((sum, { weight, ndvi }) => sum + weight * (ndvi - mean) ** 2, 0) / valid
  return {
    valid,
    cloudy,
    ndviMean: mean,
    ndviStd: Math.sqrt(variance),
    ndviMin: Math.min(...weighted.map(({ ndvi }) => ndvi)),
    ndviMax: Math.max(...weighted.map(({ ndvi }) => ndvi)),
    red: weighted.reduce((sum, { weight, red }) => sum + weight * red, 0) / valid,
  }
}

const FORMS: TiffForm[] = [
  { blocks: { strip: 1 }, codec: 'lzw' },
  { blocks: { strip: 5 }, isPlanar: true, isBigEndian: true },
  { blocks: { tile: 16 }, codec: 'deflate', predictor: 2 },
  { blocks: { tile: 64 }, codec: 'zstd', isBigTiff: true },
]

describe('the statistics of a site', () => {
  it.each<Rule>(['coverage', 'centre'])('are those of a slow exact reference, by %s', async rule => {
    const random = seeded()
    let compared = 0
    for (let round = 0; round < 6; round++) {
      const { raster, mask } = randomScene(random)
      const polygons = Array.from({ length: 30 }, () => randomPolygon(random))
      const scene = await sceneOf(raster, FORMS[round % FORMS.length] as TiffForm, {
        offset: OFFSET,
        mask: { raster: mask },
      })
      const shapes = polygons.map(polygon => shapeOf({ polygons: [polygon] }, PIXELS))
      const seen = await observeSites(scene, shapes, { rule, texture: false })
      for (const [index, polygon] of polygons.entries()) {
        const where = `SEED=${random.seed}, round ${round}, polygon ${index}`
        const wanted = slowStatistics({ raster, mask }, polygon, rule)
        const got = seen[index] as (typeof seen)[number]
        expect(got.valid, where).toBeCloseTo(wanted.valid, 7)
        expect(got.cloudy, where).toBeCloseTo(wanted.cloudy, 7)
        if (!got.statistics) continue
        compared++
        for (const name of ['ndviMean', 'ndviStd', 'ndviMin', 'ndviMax'] as const) {
          expect(got.statistics[name], `${where}, ${name}`).toBeCloseTo(wanted[name], 8)
        }
        expect(got.statistics.red, where).toBeCloseTo(wanted.red, 4)
      }
    }
    expect(compared).toBeGreaterThan(100)
  })

  it('are the same bits for any division of the file into blocks', async () => {
    const random = seeded()
    const { raster, mask } = randomScene(random)
    const shapes = Array.from({ length: 40 }, () => shapeOf({ polygons: [randomPolygon(random)] }, PIXELS))
    const all = []
    for (const form of FORMS) {
      const scene = await sceneOf(raster, form, {
        offset: OFFSET,
        mask: { raster: mask, form: { blocks: form.blocks as { strip: number } } },
      })
      all.push(await observeSites(scene, shapes, { rule: 'coverage', texture: true }))
    }
    for (const each of all) expect(each, `SEED=${random.seed}`).toStrictEqual(all[0])
  })

  it('leave out a pixel whose green or blue is NaN, but from that mean only', async () => {
    const bands = [
      [1, 1, 1, 1],
      [3, 3, 9, 9],
      [10, Number.NaN, 30, Number.NaN],
      [Number.NaN, Number.NaN, Number.NaN, Number.NaN],
    ]
    const scene = await sceneOf({ width: 4, height: 1, bands }, { type: 'f32' }, { scale: 1, nodata: null })
    const { raster } = scene.bands.red
    scene.bands.green = { raster, band: 3, scale: 1, offset: 0, nodata: null }
    scene.bands.blue = { raster, band: 4, scale: 1, offset: 0, nodata: null }
    const ring: Ring = [
      [0, 0],
      [2.5, 0],
      [2.5, 1],
      [0, 1],
    ]
    const [seen] = await observeSites(scene, [shapeOf({ polygons: [[ring]] }, PIXELS)], {
      rule: 'coverage',
      texture: false,
    })
    expect(seen).toMatchObject({
      valid: 2.5,
      statistics: { red: 1, nir: 4.2, green: (10 + 0.5 * 30) / 1.5, blue: null },
    })
  })

  it.each<[string, number[], number[], string | undefined, number]>([
    ['infinite', [1, Infinity, 1], [3, 3, 3], undefined, 2],
    ['no data, as 32 bits hold it', [1, Math.fround(0.1), 1], [3, 3, 3], '0.1', 2],
    ['no data in the near infrared band', [1, 1, 1], [3, -9999, 3], '-9999', 2],
    ['NaN', [1, 1, Number.NaN], [3, Number.NaN, 3], 'nan', 1],
    ['zero in both bands', [0, 1, 1], [0, 3, 3], undefined, 2],
  ])('count no pixel that is %s', async (_, red, nir, nodata, valid) => {
    const raster = { width: 3, height: 1, bands: [red, nir], ...(nodata !== undefined && { nodata }) }
    const said = nodata === undefined ? null : Number(nodata)
    const scene = await sceneOf(raster, { type: 'f32' }, { scale: 1, nodata: said })
    const ring: Ring = [
      [0, 0],
      [3, 0],
      [3, 1],
      [0, 1],
    ]
    const [seen] = await observeSites(scene, [shapeOf({ polygons: [[ring]] }, PIXELS)], {
      rule: 'coverage',
      texture: false,
    })
    expect(seen).toMatchObject({ valid, statistics: { ndviMean: 0.5, ndviStd: 0 } })
  })

  it('have no data where a mask of floating-point numbers is NaN', async () => {
    const bands = [
      [1000, 1000],
      [3000, 3000],
    ]
    const scene = await sceneOf(
      { width: 2, height: 1, bands },
      {},
      { mask: { raster: { width: 2, height: 1, bands: [[4, Number.NaN]] }, form: { type: 'f32' } } },
    )
    const mask = { ...(scene.mask as NonNullable<typeof scene.mask>), kind: 'fmask' as const }
    const ring: Ring = [
      [0, 0],
      [2, 0],
      [2, 1],
      [0, 1],
    ]
    const shape = shapeOf({ polygons: [[ring]] }, PIXELS)
    const [seen] = await observeSites({ ...scene, mask }, [shape], { rule: 'coverage', texture: false })
    expect([seen?.valid, seen?.cloudy]).toEqual([0, 1])
  })

  it('are the same for a raster that goes from south to north', async () => {
    const random = seeded()
    const { raster } = randomScene(random)
    const upwards = raster.bands.map(band =>
      Array.from({ length: band.length }, (_, at) => {
        const row = HEIGHT - 1 - Math.floor(at / WIDTH)
        return band[row * WIDTH + (at % WIDTH)] as number
      }),
    )
    const down = [10, 0, 300_000, 0, -10, 2_700_000] as const
    const up = [10, 0, 300_000, 0, 10, 2_700_000 - 10 * HEIGHT] as const
    const { toLonLat } = projectionOf({ epsg: 32629, transform: down, width: WIDTH, height: HEIGHT }, 'a scene')
    const polygons = Array.from({ length: 20 }, () => randomPolygon(random).map(ring => ring.map(toLonLat)))
    const seen = []
    for (const [bands, matrix] of [
      [raster.bands, down],
      [upwards, up],
    ] as const) {
      const scene = await sceneOf({ ...raster, bands, matrix }, {}, { offset: OFFSET })
      const projection = projectionOf(scene.grid as NonNullable<typeof scene.grid>, 'a scene')
      const shapes = polygons.map(polygon => shapeOf({ polygons: [polygon] }, projection))
      seen.push(await observeSites(scene, shapes, { rule: 'coverage', texture: false }))
    }
    for (const [index, one] of (seen[0] ?? []).entries()) {
      const other = seen[1]?.[index]
      const where = `SEED=${random.seed}, polygon ${index}`
      expect(other?.valid, where).toBeCloseTo(one.valid, 5)
      if (one.valid < 1e-3) continue
      expect(other?.statistics?.ndviMean, where).toBeCloseTo(one.statistics?.ndviMean ?? 9, 6)
      expect(other?.statistics?.ndviMax, where).toBe(one.statistics?.ndviMax)
    }
  })

  it('are refused for bands in two coordinate systems', async () => {
    const file = async (epsg: number) =>
      (
        await sceneOf(
          {
            width: 2,
            height: 1,
            bands: [
              [1, 1],
              [3, 3],
            ],
            epsg,
          },
          {},
          { scale: 1 },
        )
      ).bands
    const [one, other] = [await file(32629), await file(32630)]
    expect(() => joinBands({ red: one.red, nir: other.nir }, null, null)).toThrow(
      /the nir band has other coordinates .*EPSG:32630, EPSG:32629/,
    )
  })

  it('are empty for a site that lies outside', async () => {
    const scene = await sceneOf(
      { width: 4, height: 4, bands: [new Array(16).fill(1), new Array(16).fill(3)] },
      {},
      { scale: 1 },
    )
    const square = (x: number, y: number, side: number): Ring => [
      [x, y],
      [x + side, y],
      [x + side, y + side],
      [x, y + side],
    ]
    const [outside, touching, inside, whole] = await observeSites(
      scene,
      [square(-9, 0, 4), square(4, 0, 2), square(1.25, 1.25, 0.5), square(-3, -3, 10)].map(ring =>
        shapeOf({ polygons: [[ring]] }, PIXELS),
      ),
      { rule: 'coverage', texture: false },
    )
    expect(outside).toMatchObject({ inside: 0, statistics: null })
    expect(touching).toMatchObject({ inside: 0, statistics: null })
    expect(inside).toMatchObject({ inside: 0.25, valid: 0.25, statistics: { ndviMean: 0.5, ndviStd: 0 } })
    expect(whole).toMatchObject({ inside: 16, statistics: { red: 1, nir: 3, green: null } })
  })
})

describe('a place and its pixel', () => {
  const grid = { epsg: 32629, transform: [10, 0, 300_000, 0, -10, 2_700_000] as const, width: 100, height: 100 }

  it('are converted into each other', () => {
    const { toPixel, toLonLat } = projectionOf(grid, 'a scene')
    const [x, y] = toPixel(toLonLat([12.5, 70.25]))
    expect(x).toBeCloseTo(12.5, 6)
    expect(y).toBeCloseTo(70.25, 6)
  })

  it('are converted into each other also across the antimeridian, in UTM and in degrees', () => {
    const utm = projectionOf({ ...grid, epsg: 32601, transform: [10, 0, 166_000, 0, -10, 10] }, 'a scene')
    const [lon] = utm.toLonLat([-3000, 0])
    expect(lon).toBeGreaterThan(179)
    expect(utm.toPixel([lon, 0])[0]).toBeCloseTo(-3000, 4)
    const degrees = projectionOf({ ...grid, epsg: 4326, transform: [0.01, 0, 179.5, 0, -0.01, 1] }, 'a scene')
    expect(degrees.toPixel([-179.9, 0.5])[0]).toBeCloseTo(60, 9)
    expect(degrees.toLonLat([60, 50])[0]).toBeCloseTo(-179.9, 9)
  })

  it.each([
    [32733, 15.5, -34],
    [32633, 15.5, 34],
    [31983, -44.5, -22],
    [28355, 147.5, -35],
    [7855, 147.5, -35],
    [6341, -110.5, 40],
    [25833, 15.5, 52],
  ])('are half a degree of longitude from the middle of the zone EPSG:%i', (epsg, lon, lat) => {
    const { toPixel } = projectionOf({ ...grid, epsg, transform: [1, 0, 500_000, 0, -1, 0] }, 'a scene')
    const [east, south] = toPixel([lon, lat])
    const metres = 111_320 * Math.cos((lat * Math.PI) / 180) * 0.5
    expect(Math.abs(east / metres - 1)).toBeLessThan(0.005)
    expect(lat > 0 ? -south : 10_000_000 + south).toBeGreaterThan(0)
    expect(Math.abs((lat > 0 ? -south : 10_000_000 + south) / (110_900 * Math.abs(lat)) - 1)).toBeLessThan(0.01)
  })

  it('do not exist where a projection cannot show it', () => {
    expect(projectionOf({ ...grid, epsg: 3857 }, 'a scene').toPixel([0, 90])).toEqual([Number.NaN, Number.NaN])
  })

  it('need a coordinate system that is known', () => {
    expect(() => projectionOf({ ...grid, epsg: 27700 }, 'a scene')).toThrow(/a scene: .*EPSG:27700 is not known/)
  })
})
