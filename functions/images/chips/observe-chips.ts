import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { BAND_NAMES, type BandName, joinBands, type SceneBand, type SceneBands } from '../bands/scene-bands.ts'
import { ImageError } from '../errors.ts'
import { type Observation, outcomeOf, type Summary } from '../output/rows.ts'
import { projectionOf } from '../sites/projection.ts'
import { textureOf } from '../texture/glcm.ts'
import { openRaster, type Raster } from '../tiff/raster.ts'
import { openFile } from '../tiff/source.ts'
import { addPixels, emptyLevels, openPixelReader } from '../zonal/pixels.ts'
import { emptySums, statisticsOf } from '../zonal/statistics.ts'

/** Chip: a small image of one land-cover class. The name of its folder is the class. */
export interface Chip {
  path: string
  className: string
}

/** Options for reading chips. Null: as the tags of the file say, or the default. */
export interface ChipOptions {
  /** Band numbers from 1. By default Sentinel-2's, if a chip has its 13 bands. */
  bands: Partial<Record<BandName, number>>
  scale: number | null
  offset: number | null
  nodata: number | 'none' | null
  /** Time when the chips were taken, ISO 8601; null if unknown. */
  timestamp: string | null
  epsg: number | null
  texture: boolean
  minValid: number
}

/** Sentinel-2's 13 bands in the order of EuroSAT's files. */
const SENTINEL_2_BANDS = 13
const SENTINEL_2_NUMBERS: Record<BandName, number> = { blue: 2, green: 3, red: 4, nir: 8 }

/** Maximum pixels of a chip. A larger image is a scene. */
const MAX_CHIP_PIXELS = 16_777_216

/** Finds the chips below a folder, `CLASS/NAME.tif`, in order of class and name. @throws ImageError if there is none */
export async function findChips(folder: string): Promise<Chip[]> {
  const chips: Chip[] = []
  const entries = await readdir(folder, { withFileTypes: true })
  for (const { name } of entries.filter(entry => entry.isDirectory()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const files = (await readdir(join(folder, name))).filter(file => /\.tiff?$/i.test(file) && !file.startsWith('.'))
    for (const file of files.sort()) chips.push({ path: join(folder, name, file), className: name })
  }
  if (chips.length > 0) return chips
  throw new ImageError(`${folder}: has no chips; put GeoTIFFs into a folder for each class, ${folder}/Forest/1.tif say`)
}

/** Observes one chip as a whole. Returns null if too little of it is valid; the summary counts the reason. */
export async function observeChip(chip: Chip, options: ChipOptions, summary: Summary): Promise<Observation | null> {
  const raster = await openRaster(await openFile(chip.path))
  try {
    if (raster.width * raster.height > MAX_CHIP_PIXELS) {
      throw new ImageError(
        `${chip.path}: has ${raster.width} x ${raster.height} pixels; give a scene with --red and --nir`,
      )
    }
    return await observeOpenChip(chip, raster, options, summary)
  } finally {
    await raster.source.close()
  }
}

async function observeOpenChip(chip: Chip, raster: Raster, options: ChipOptions, summary: Summary) {
  const scene = joinBands(chipBands(raster, options), null, options.epsg)
  const { width, height } = raster
  const window = { x0: 0, y0: 0, x1: width, y1: height }
  const pixels = await openPixelReader(scene)(window, [[0, width]])
  const sums = emptySums()
  const levels = options.texture ? emptyLevels(window) : null
  addPixels(sums, pixels, scene.bands, window, 0, height, new Float64Array(width * height).fill(1), levels)
  const statistics = statisticsOf(sums)
  const outcome = outcomeOf(sums, width * height, options.minValid)
  summary[outcome]++
  if (outcome !== 'observed' || !statistics) return null
  const name = basename(chip.path).replace(/\.tiff?$/i, '')
  return {
    siteId: null,
    className: chip.className,
    imageId: name,
    timestamp: options.timestamp,
    statistics,
    texture: levels && textureOf(levels, width, height),
    pixels: width * height,
    valid: sums.valid,
    cloudy: 0,
    centre: scene.grid && projectionOf(scene.grid, chip.path).toLonLat([width / 2, height / 2]),
    outline: null,
    sceneId: name,
    processingVersion: null,
  }
}

/** Describes in words how chips are read. */
export function explainChips({ bands, scale, offset, nodata, timestamp }: ChipOptions): string[] {
  const said = <Value>(value: Value | null, otherwise: string) => (value === null ? otherwise : `${value} (flag)`)
  return [
    'chips: the folder of a file is its class; every pixel with data counts',
    ...BAND_NAMES.map(name => {
      const number = bands[name] ?? null
      return `${name}: band ${said(number, `${SENTINEL_2_NUMBERS[name]} of files with Sentinel-2's ${SENTINEL_2_BANDS} bands`)}`
    }),
    `scale ${said(scale, "by the file's tags, else 1")}, offset ${said(offset, "by the file's tags, else 0")}, nodata ${said(nodata, "by the file's tags")}`,
    `time ${said(timestamp, 'unknown: the output has no column timestamp')}`,
  ]
}

/** Chooses the bands of a chip. @throws ImageError if nothing says which band is which */
function chipBands(raster: Raster, options: ChipOptions): SceneBands['bands'] {
  const numbers = { ...(raster.bands === SENTINEL_2_BANDS && SENTINEL_2_NUMBERS), ...options.bands }
  if (numbers.red === undefined || numbers.nir === undefined) {
    throw new ImageError(
      `${raster.name}: has ${raster.bands} bands, not Sentinel-2's ${SENTINEL_2_BANDS}; say which are which, with --red 4 --nir 8 for example`,
    )
  }
  const bands: Partial<Record<BandName, SceneBand>> = {}
  for (const name of BAND_NAMES) {
    const band = numbers[name]
    if (band === undefined) continue
    bands[name] = {
      raster,
      band,
      // Without an offset, NDVI does not depend on the scale, so 1 is right.
      scale: options.scale ?? raster.tagScales[band - 1] ?? 1,
      offset: options.offset ?? raster.tagOffsets[band - 1] ?? 0,
      nodata: options.nodata === 'none' ? null : (options.nodata ?? raster.nodata),
    }
  }
  return bands as SceneBands['bands']
}
