import { CLEAR, NO_DATA } from '../bands/mask.ts'
import {
  BAND_NAMES,
  type BandName,
  type MaskGrid,
  maskGridOf,
  openBandReader,
  type SceneBand,
  type SceneBands,
} from '../bands/scene-bands.ts'
import { levelOf, NO_LEVEL } from '../texture/glcm.ts'
import type { Samples } from '../tiff/samples.ts'
import { type Columns, openWindowReader, type Window } from '../tiff/window.ts'
import type { ZoneSums } from './statistics.ts'

/** Pixels of a window: digital numbers by band, and states from the masks of the scene and of the files. */
export interface Pixels {
  window: Window
  samples: Record<'red' | 'nir', Samples> & Partial<Record<BandName, Samples>>
  /** State of each pixel from the masks; null without a mask. */
  states: Uint8Array | null
}

/** Conversion of a band's digital numbers to reflectance, for the inner loop. */
type Scaling = Pick<SceneBand, 'scale' | 'offset' | 'nodata'>
/** Scale and offset of the bands that NDVI needs. */
export type Scalings = Record<'red' | 'nir', Scaling>

/** Opens the scene for reading windows. */
export function openPixelReader(scene: SceneBands): (window: Window, columns: readonly Columns[]) => Promise<Pixels> {
  const names = BAND_NAMES.filter(name => scene.bands[name])
  const readBands = openBandReader(names.map(name => scene.bands[name] as SceneBand))
  const readStates = openStateReader(scene)
  return async (window, columns) => {
    const [samples, states] = await Promise.all([readBands(window, columns), readStates(window, columns)])
    const byName = Object.fromEntries(names.map((name, place) => [name, samples[place]])) as Pixels['samples']
    return { window, samples: byName, states }
  }
}

/** Decodes the first pixel of each file. @throws ImageError for a damaged file, where nothing else of it is read */
export async function tryFirstPixel(scene: SceneBands): Promise<void> {
  await openPixelReader(scene)({ x0: 0, y0: 0, x1: 1, y1: 1 }, [[0, 1]])
}

/** Reads the states of a window: from the scene's mask, and from masks inside the files of red and near infrared. */
function openStateReader(scene: SceneBands) {
  const { red, nir } = scene.bands
  const own = [...new Set([red.raster, nir.raster])].flatMap(({ maskBlocks, source }) =>
    maskBlocks ? [openWindowReader(maskBlocks, source, 0)] : [],
  )
  const mask = scene.mask && {
    grid: maskGridOf(scene.mask, red.raster),
    read: openWindowReader(scene.mask.raster.blocks, scene.mask.raster.source, scene.mask.raster.nodata ?? 0),
  }
  return async (window: Window, columns: readonly Columns[]): Promise<Uint8Array | null> => {
    if (own.length === 0 && !mask) return null
    const states = new Uint8Array((window.x1 - window.x0) * (window.y1 - window.y0))
    if (mask) await addMask(states, window, columns, mask.grid, mask.read)
    for (const read of own) {
      const [valid] = (await read([0], window, columns)) as [Samples]
      for (let at = 0; at < states.length; at++) if (valid[at] === 0) states[at] = NO_DATA
    }
    return states
  }
}

async function addMask(
  states: Uint8Array,
  window: Window,
  columns: readonly Columns[],
  grid: MaskGrid,
  read: ReturnType<typeof openWindowReader>,
): Promise<void> {
  const across = rangeOf(grid.columns, window.x0, window.x1)
  const down = rangeOf(grid.rows, window.y0, window.y1)
  if (!across || !down) {
    states.fill(NO_DATA)
    return
  }
  const needed = columns.flatMap(([from, to]) => {
    const range = rangeOf(grid.columns, from, to)
    return range ? [range] : []
  })
  const [values] = (await read([0], { x0: across[0], x1: across[1], y0: down[0], y1: down[1] }, needed)) as [Samples]
  const width = across[1] - across[0]
  for (let y = window.y0, at = 0; y < window.y1; y++) {
    const row = grid.rows[y] as number
    const base = (row - down[0]) * width - across[0]
    for (let x = window.x0; x < window.x1; x++, at++) {
      const column = grid.columns[x] as number
      const value = row < 0 || column < 0 ? Number.NaN : (values[base + column] as number)
      states[at] = Number.isNaN(value) ? NO_DATA : (grid.table[value & 0xffff] as number)
    }
  }
}

/** Returns the first and last place of the mask that a range of the scene needs. */
function rangeOf(places: Int32Array, from: number, to: number): Columns | null {
  let first = Number.POSITIVE_INFINITY
  let last = -1
  for (const place of places.subarray(Math.max(0, from), to)) {
    if (place < 0) continue
    first = Math.min(first, place)
    last = Math.max(last, place)
  }
  return last < 0 ? null : [first, last + 1]
}

/**
 * Adds rows of pixels to a zone's sums, each pixel weighted by its share.
 *
 * @param zone window of the zone; `shares` and `levels` hold it row by row, `shares` from `firstRow` onwards
 * @param levels receives the grey levels of the pixels that count; null without texture
 */
export function addPixels(
  sums: ZoneSums,
  pixels: Pixels,
  scalings: Scalings,
  zone: Window,
  firstRow: number,
  lastRow: number,
  shares: Float64Array,
  levels: Uint8Array | null,
): void {
  const { window, states, samples } = pixels
  const { red, nir, green, blue } = samples
  const { scale: redScale, offset: redOffset, nodata: redNodata } = scalings.red
  const { scale: nirScale, offset: nirOffset, nodata: nirNodata } = scalings.nir
  const width = window.x1 - window.x0
  const zoneWidth = zone.x1 - zone.x0
  let { inside, valid, cloudy, shift, ndvi: ndviSum, ndviSquares, ndviMin, ndviMax } = sums
  let { red: redSum, nir: nirSum, green: greenSum, blue: blueSum, greenWeight, blueWeight } = sums
  for (let y = firstRow; y < lastRow; y++) {
    let at = (y - window.y0) * width + zone.x0 - window.x0
    let place = (y - firstRow) * zoneWidth
    for (let x = 0; x < zoneWidth; x++, at++, place++) {
      const share = shares[place] as number
      if (share === 0) continue
      inside += share
      const redDn = red[at] as number
      const nirDn = nir[at] as number
      if (redDn === redNodata || nirDn === nirNodata || Number.isNaN(redDn) || Number.isNaN(nirDn)) continue
      if (states !== null) {
        const state = states[at] as number
        if (state !== CLEAR) {
          if (state !== NO_DATA) cloudy += share
          continue
        }
      }
      const redReflectance = redDn * redScale + redOffset
      const nirReflectance = nirDn * nirScale + nirOffset
      const both = nirReflectance + redReflectance
      if (!(redReflectance >= 0 && nirReflectance >= 0 && both > 0 && both < Infinity)) continue
      const ndvi = (nirReflectance - redReflectance) / both
      if (valid === 0) shift = ndvi
      const difference = ndvi - shift
      valid += share
      ndviSum += share * difference
      ndviSquares += share * difference * difference
      if (ndvi < ndviMin) ndviMin = ndvi
      if (ndvi > ndviMax) ndviMax = ndvi
      redSum += share * redDn
      nirSum += share * nirDn
      const greenDn = green?.[at] ?? Number.NaN
      const blueDn = blue?.[at] ?? Number.NaN
      if (!Number.isNaN(greenDn)) {
        greenSum += share * greenDn
        greenWeight += share
      }
      if (!Number.isNaN(blueDn)) {
        blueSum += share * blueDn
        blueWeight += share
      }
      if (levels !== null) levels[(y - zone.y0) * zoneWidth + x] = levelOf(ndvi)
    }
  }
  sums.inside = inside
  sums.valid = valid
  sums.cloudy = cloudy
  sums.shift = shift
  sums.ndvi = ndviSum
  sums.ndviSquares = ndviSquares
  sums.ndviMin = ndviMin
  sums.ndviMax = ndviMax
  sums.red = redSum
  sums.nir = nirSum
  sums.green = greenSum
  sums.blue = blueSum
  sums.greenWeight = greenWeight
  sums.blueWeight = blueWeight
}

/** Levels of a zone's pixels before any is set. */
export function emptyLevels(zone: Window): Uint8Array {
  return new Uint8Array((zone.x1 - zone.x0) * (zone.y1 - zone.y0)).fill(NO_LEVEL)
}
