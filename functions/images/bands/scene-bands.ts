import { ImageError } from '../errors.ts'
import type { Grid } from '../sites/projection.ts'
import type { Raster } from '../tiff/raster.ts'
import { openWindowReader, type WindowReader } from '../tiff/window.ts'
import { type MaskKind, maskTable } from './mask.ts'

export const BAND_NAMES = ['red', 'nir', 'green', 'blue'] as const
/** Name of a band of a scene. */
export type BandName = (typeof BAND_NAMES)[number]

/** Band of a scene: its place, and the conversion of digital numbers (DN) to reflectance: DN * scale + offset. */
export interface SceneBand {
  raster: Raster
  /** Counted from 1. */
  band: number
  scale: number
  offset: number
  /** Digital number of pixels without data; null if there is none. */
  nodata: number | null
}

/** Mask of a scene: where it is, and how its values are read. */
export interface SceneMask {
  raster: Raster
  kind: MaskKind
}

/** Bands of a scene on one grid. Red and near infrared are required; green and blue are averaged if given. */
export interface SceneBands {
  bands: Partial<Record<BandName, SceneBand>> & Record<'red' | 'nir', SceneBand>
  mask: SceneMask | null
  /** Null without a georeference. */
  grid: Grid | null
}

/**
 * Joins the bands of a scene.
 *
 * @param epsg coordinate system from the item or the flags; null if the file must state it
 * @throws ImageError when the bands do not lie on the same pixels
 */
export function joinBands(given: SceneBands['bands'], mask: SceneMask | null, epsg: number | null): SceneBands {
  const bands = { ...given }
  const { raster } = bands.red
  for (const name of BAND_NAMES) {
    const band = bands[name]
    if (band) bands[name] = { ...band, nodata: asSample(band.nodata, band.raster) }
    const other = bands[name]?.raster
    if (other && raster.epsg !== null && other.epsg !== null && raster.epsg !== other.epsg) {
      throw new ImageError(
        `${other.name}: the ${name} band has other coordinates than ${raster.name} (EPSG:${other.epsg}, EPSG:${raster.epsg}); give bands of one scene`,
      )
    }
    if (other && !isSameGrid(raster, other)) {
      throw new ImageError(
        `${other.name}: the ${name} band has other pixels than ${raster.name} (${other.width} x ${other.height}, ${raster.width} x ${raster.height}); give bands of one grid: of Sentinel-2 those of 10 m, or resample one with gdalwarp`,
      )
    }
  }
  const code = epsg ?? raster.epsg
  const { transform, width, height } = raster
  return { bands, mask, grid: transform && code !== null ? { epsg: code, transform, width, height } : null }
}

/** No data as the file's samples hold it: 0.1 is another number in 32 bits. */
function asSample(nodata: number | null, { blocks }: Raster): number | null {
  const { format, bits } = blocks.layout
  return nodata !== null && format === 'float' && bits === 32 ? Math.fround(nodata) : nodata
}

/** Returns true if two rasters have the same pixels: they differ by less than a hundredth of a pixel. */
function isSameGrid(one: Raster, other: Raster): boolean {
  if (one.width !== other.width || one.height !== other.height) return false
  if (!one.transform || !other.transform) return true
  const pixel = Math.hypot(one.transform[0], one.transform[3])
  const corners = [
    [0, 0],
    [one.width, 0],
    [0, one.height],
  ] as const
  return corners.every(([column, row]) => {
    const [[x, y], [otherX, otherY]] = [placeOf(one, column, row), placeOf(other, column, row)]
    return Math.hypot(x - otherX, y - otherY) < pixel / 100
  })
}

function placeOf({ transform }: Raster, column: number, row: number): readonly [number, number] {
  const [a, b, c, d, e, f] = transform as NonNullable<Raster['transform']>
  return [a * column + b * row + c, d * column + e * row + f]
}

/** Map from pixels of a scene to the pixels of a mask that contain their centres. */
export interface MaskGrid {
  width: number
  height: number
  /** Mask column of each column of the scene; -1 outside the mask. */
  columns: Int32Array
  /** Mask row of each row of the scene; -1 outside the mask. */
  rows: Int32Array
  table: Uint8Array
}

/** Makes the map to a mask. @throws ImageError when the mask is rotated against the scene, or has other coordinates */
export function maskGridOf({ raster, kind }: SceneMask, scene: Raster): MaskGrid {
  const [across, down] = axesOf(raster, scene)
  const table = maskTable(kind)
  const { width, height } = raster
  return {
    width,
    height,
    columns: centresOn(across, scene.width, width),
    rows: centresOn(down, scene.height, height),
    table,
  }
}

/** Conversion from scene to mask along one axis: `place * scale + start`. */
interface Axis {
  scale: number
  start: number
}

function axesOf(mask: Raster, scene: Raster): readonly [Axis, Axis] {
  const [from, to] = [scene.transform, mask.transform]
  if (!from || !to) {
    return [
      { scale: mask.width / scene.width, start: 0 },
      { scale: mask.height / scene.height, start: 0 },
    ]
  }
  const [a, b, c, d, e, f] = to
  const determinant = a * e - b * d
  const x = (place: readonly [number, number]) => (e * (place[0] - c) - b * (place[1] - f)) / determinant
  const y = (place: readonly [number, number]) => (a * (place[1] - f) - d * (place[0] - c)) / determinant
  const origin = placeOf(scene, 0, 0)
  const right = placeOf(scene, scene.width, 0)
  const bottom = placeOf(scene, 0, scene.height)
  const isSkewed = Math.abs(x(bottom) - x(origin)) > 0.01 || Math.abs(y(right) - y(origin)) > 0.01
  const isElsewhere = mask.epsg !== null && scene.epsg !== null && mask.epsg !== scene.epsg
  if (isSkewed || isElsewhere) {
    throw new ImageError(`${mask.name}: the mask has other coordinates than ${scene.name}; give the mask of this scene`)
  }
  return [
    { scale: (x(right) - x(origin)) / scene.width, start: x(origin) },
    { scale: (y(bottom) - y(origin)) / scene.height, start: y(origin) },
  ]
}

function centresOn({ scale, start }: Axis, count: number, maskCount: number): Int32Array {
  return Int32Array.from({ length: count }, (_, at) => {
    const place = Math.floor((at + 0.5) * scale + start)
    return place >= 0 && place < maskCount ? place : -1
  })
}

/** Opens a reader for the same window of several bands. It reads bands of one file together. */
export function openBandReader(
  bands: readonly SceneBand[],
): (...window: Parameters<WindowReader> extends [unknown, ...infer Rest] ? Rest : never) => ReturnType<WindowReader> {
  const files = new Map<Raster, { read: WindowReader; places: number[] }>()
  for (const [place, { raster, nodata }] of bands.entries()) {
    const file = files.get(raster) ?? {
      read: openWindowReader(raster.blocks, raster.source, nodata ?? raster.nodata ?? 0),
      places: [],
    }
    file.places.push(place)
    files.set(raster, file)
  }
  return async (window, columns) => {
    const samples = new Array(bands.length)
    const reads = Array.from(files.values(), async ({ read, places }) => {
      const numbers = places.map(place => (bands[place] as SceneBand).band - 1)
      for (const [index, each] of (await read(numbers, window, columns)).entries()) {
        samples[places[index] as number] = each
      }
    })
    await Promise.all(reads)
    return samples
  }
}
