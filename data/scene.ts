import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GridProjection, projectionOf } from '../functions/images/sites/projection.ts'
import { writeGeoTiff } from './geotiff.ts'
import { randomNumbers } from './random.ts'

// Generator of a small satellite scene with fields in it: the files of a Sentinel-2 scene as Earth Search serves them, a
// STAC item, and the fields' outlines. The same seed gives the same pixels.

const SIDE = 256
const PIXEL_METRES = 10
const ORIGIN = [600_000, 5_400_000] as const
const EPSG = 32632
/** Digital number = (reflectance + 0.1) * 10,000: the processing baseline is newer than 04.00. */
const SCALE = 0.0001
const OFFSET = -0.1
const SCL_CLEAR = 4
const SCL_CLOUD = 9

const BANDS = ['blue', 'green', 'red', 'nir'] as const
type Band = (typeof BANDS)[number]
const FILES: Record<Band, string> = { blue: 'B02.tif', green: 'B03.tif', red: 'B04.tif', nir: 'B08.tif' }

/** Reflectance of a land cover: typical for June in central Europe. */
const REFLECTANCES: Record<string, Record<Band, number>> = {
  AnnualCrop: { blue: 0.05, green: 0.08, red: 0.09, nir: 0.27 },
  Forest: { blue: 0.02, green: 0.04, red: 0.025, nir: 0.3 },
  HerbaceousVegetation: { blue: 0.04, green: 0.07, red: 0.06, nir: 0.28 },
  Pasture: { blue: 0.035, green: 0.075, red: 0.05, nir: 0.38 },
}
const AROUND = 'HerbaceousVegetation'
const CLOUD: Record<Band, number> = { blue: 0.5, green: 0.5, red: 0.5, nir: 0.55 }
/** Differences between the pixels of a field: one part of its reflectance. */
const SPREAD = 0.1

interface Field {
  siteId: string
  className: string
  /** Upper left corner and size, in pixels; a field is a little askew, as they are. */
  left: number
  top: number
  width: number
  height: number
}

/** Column and row of each field; field-12 is in the cloud, field-11 half, field-13 lies outside the scene. */
const FIELDS: readonly Field[] = [
  ...['Pasture', 'AnnualCrop', 'Forest', 'Pasture', 'AnnualCrop', 'Forest'].map((className, at) =>
    fieldAt(at + 1, className, 12 + (at % 3) * 80, 14 + Math.floor(at / 3) * 62, 62, 44),
  ),
  ...['AnnualCrop', 'Pasture', 'AnnualCrop'].map((className, at) =>
    fieldAt(at + 7, className, 12 + at * 40, 140, 30, 40),
  ),
  fieldAt(10, 'Forest', 12, 196, 110, 44),
  fieldAt(11, 'Pasture', 140, 150, 50, 70),
  fieldAt(12, 'AnnualCrop', 200, 160, 40, 50),
  fieldAt(13, 'Pasture', 300, 100, 40, 40),
]

function fieldAt(number: number, className: string, left: number, top: number, width: number, height: number): Field {
  return { siteId: `field-${String(number).padStart(2, '0')}`, className, left, top, width, height }
}

/** Writes the scene's files into a folder, and creates it. */
export async function writeScene(folder: string, seed: number): Promise<{ pixels: number; fields: number }> {
  await mkdir(folder, { recursive: true })
  const write = (name: string, content: Uint8Array | string) => writeFile(join(folder, name), content)
  const place = { origin: ORIGIN, epsg: EPSG, nodata: 0 }
  for (const band of BANDS) {
    const raster = { width: SIDE, height: SIDE, samples: samplesOf(band, seed), pixelMetres: PIXEL_METRES, ...place }
    await write(FILES[band], writeGeoTiff(raster))
  }
  // Sentinel-2's classification has pixels of 20 m.
  const half = SIDE / 2
  const classes = Uint8Array.from({ length: half * half }, (_, at) =>
    isCloudy((at % half) * 2 + 1, Math.floor(at / half) * 2 + 1) ? SCL_CLOUD : SCL_CLEAR,
  )
  const mask = { width: half, height: half, samples: classes, pixelMetres: 2 * PIXEL_METRES, ...place }
  await write('SCL.tif', writeGeoTiff(mask))
  await write('item.json', jsonOf(ITEM))
  await write('fields.geojson', jsonOf(outlines()))
  return { pixels: SIDE * SIDE, fields: FIELDS.length }
}

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`
}

function samplesOf(band: Band, seed: number): Uint16Array {
  const random = randomNumbers(seed, 0, BANDS.indexOf(band))
  return Uint16Array.from({ length: SIDE * SIDE }, (_, at) => {
    const [x, y] = [(at % SIDE) + 0.5, Math.floor(at / SIDE) + 0.5]
    const className = FIELDS.find(field => holds(field, x, y))?.className ?? AROUND
    const typical = isCloudy(x, y) ? CLOUD : (REFLECTANCES[className] as Record<Band, number>)
    const reflectance = typical[band] * (1 + SPREAD * (random() - 0.5))
    return Math.round((reflectance - OFFSET) / SCALE)
  })
}

/** A round cloud; its edge runs through field-11. */
function isCloudy(x: number, y: number): boolean {
  return Math.hypot(x - 220, y - 185) < 55
}

/** Corners of a field in pixels: each row of it begins a tenth of a pixel further right. */
function cornersOf({ left, top, width, height }: Field): [x: number, y: number][] {
  const lean = height / 10
  return [
    [left, top],
    [left + width, top],
    [left + width + lean, top + height],
    [left + lean, top + height],
  ]
}

function holds({ left, top, width, height }: Field, x: number, y: number): boolean {
  const start = left + (y - top) / 10
  return y >= top && y < top + height && x >= start && x < start + width
}

function outlines() {
  const transform = [PIXEL_METRES, 0, ORIGIN[0], 0, -PIXEL_METRES, ORIGIN[1]] as const
  const projection = projectionOf({ epsg: EPSG, transform, width: SIDE, height: SIDE }, 'the scene')
  return { type: 'FeatureCollection', features: FIELDS.map(field => featureOf(field, projection)) }
}

function featureOf(field: Field, { toLonLat }: GridProjection) {
  const corners = cornersOf(field).map(corner => toLonLat(corner).map(degrees => Number(degrees.toFixed(7))))
  return {
    type: 'Feature',
    properties: { site_id: field.siteId, class_name: field.className },
    geometry: { type: 'Polygon', coordinates: [[...corners, corners[0]]] },
  }
}

const TIFF = 'image/tiff; application=geotiff; profile=cloud-optimized'

const ITEM = {
  type: 'Feature',
  stac_version: '1.0.0',
  id: 'S2A_32UQV_20250615_0_L2A',
  geometry: null,
  properties: {
    datetime: '2025-06-15T10:16:21Z',
    platform: 'sentinel-2a',
    constellation: 'sentinel-2',
    'proj:epsg': EPSG,
    'grid:code': 'MGRS-32UQV',
    's2:processing_baseline': '05.11',
    'earthsearch:boa_offset_applied': false,
  },
  links: [],
  assets: {
    ...Object.fromEntries(
      BANDS.map(band => [
        band,
        {
          href: `./${FILES[band]}`,
          type: TIFF,
          'eo:bands': [{ name: band, common_name: band }],
          'raster:bands': [{ nodata: 0, data_type: 'uint16', spatial_resolution: 10, scale: SCALE, offset: OFFSET }],
        },
      ]),
    ),
    scl: { href: './SCL.tif', type: TIFF },
  },
}
