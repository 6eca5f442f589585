import type { SceneBands } from '../bands/scene-bands.ts'
import { ImageError } from '../errors.ts'
import { neededGrid, type ObserveOptions } from '../observe.ts'
import { emptySummary, imageIdOf, type Observation, outcomeOf, type Summary } from '../output/rows.ts'
import type { OpenScene } from '../scene/open-scene.ts'
import type { ScenePlan } from '../scene/plan.ts'
import { type Grid, type GridProjection, projectionOf } from '../sites/projection.ts'
import { textureOf } from '../texture/glcm.ts'
import type { Raster } from '../tiff/raster.ts'
import type { Samples } from '../tiff/samples.ts'
import { openWindowReader, type Window, type WindowReader } from '../tiff/window.ts'
import { chunksOf } from '../zonal/observe-sites.ts'
import { addPixels, emptyLevels, openPixelReader, type Pixels } from '../zonal/pixels.ts'
import { emptySums, statisticsOf, type ZoneSums } from '../zonal/statistics.ts'
import type { Legend } from './legend.ts'
import { nearestPixels } from './nearest.ts'

/** Class map with its legend and the size of the cells. */
export interface ClassMap {
  raster: Raster
  legend: Legend
  /** Side of a cell in units of the scene's coordinates: metres, or degrees. */
  cellSize: number
}

/** Zone: the pixels of one class in one cell. */
interface Zone {
  cellX: number
  cellY: number
  code: number
  window: Window
  sums: ZoneSums
  levels: Uint8Array | null
}

/** Observations by class and cell. `unknown` counts the pixels of codes that the legend lacks, by code. */
export interface CellsObserved {
  observations: Observation[]
  summary: Summary
  unknown: Map<number, number>
}

/** Observes a scene by the classes of a map, in cells that begin at the scene's upper left corner. */
export async function observeCells(
  plan: ScenePlan,
  { scene }: OpenScene,
  map: ClassMap,
  options: Omit<ObserveOptions, 'rule'>,
): Promise<CellsObserved> {
  const { name } = scene.bands.red.raster
  const grid = await neededGrid(scene)
  const projection = projectionOf(grid, name)
  const cell = cellPixels(grid, map.cellSize)
  const unknown = new Map<number, number>()
  const zones = await collectZones(scene, projection, map, cell, options, unknown)
  const gridName = `${plan.gridCode ?? `EPSG-${grid.epsg}`}-${map.cellSize}`
  const summary = emptySummary()
  const observations: Observation[] = []
  for (const { cellX, cellY, code, window, sums, levels } of zones) {
    const statistics = statisticsOf(sums)
    const outcome = outcomeOf(sums, sums.inside, options.minValid)
    summary[outcome]++
    if (outcome !== 'observed' || !statistics) continue
    const siteId = `${gridName}-x${cellX}-y${cellY}`
    const className = map.legend.get(code) as string
    observations.push({
      siteId,
      className,
      imageId: imageIdOf(plan.identity, `${siteId}/${className}`),
      timestamp: plan.timestamp,
      statistics,
      texture: levels && textureOf(levels, window.x1 - window.x0, window.y1 - window.y0),
      pixels: sums.inside,
      valid: sums.valid,
      cloudy: sums.cloudy,
      centre: projection.toLonLat([(window.x0 + window.x1) / 2, (window.y0 + window.y1) / 2]),
      outline: null,
      sceneId: plan.sceneId,
      processingVersion: plan.processingVersion,
    })
  }
  return { observations, summary, unknown }
}

/** Returns the side of a cell in pixels. @throws ImageError when it is not a whole number */
function cellPixels({ transform: [a, , , d] }: Grid, cellSize: number): number {
  const pixel = Math.hypot(a, d)
  const pixels = Math.round(cellSize / pixel)
  if (pixels >= 1 && Math.abs(pixels * pixel - cellSize) <= 1e-6 * cellSize) return pixels
  throw new ImageError(
    `--cell ${cellSize} is not a multiple of the scene's pixels of ${pixel}; give ${Math.max(1, pixels) * pixel} for example`,
  )
}

/** Collects the zones of all cells, by row, column and code. */
async function collectZones(
  scene: SceneBands,
  projection: GridProjection,
  { raster, legend }: ClassMap,
  cell: number,
  options: Omit<ObserveOptions, 'rule'>,
  unknown: Map<number, number>,
): Promise<Zone[]> {
  const { width, height } = scene.bands.red.raster
  const classProjection = projectionOf(gridOf(raster), raster.name)
  const readPixels = openPixelReader(scene)
  const readClasses = openWindowReader(raster.blocks, raster.source, raster.nodata ?? 0)
  const zones = new Map<string, Zone>()
  for (const [y0, y1] of chunksOf(scene, height)) {
    const window = { x0: 0, x1: width, y0, y1 }
    const codes = await readCodes(raster, readClasses, projection, classProjection, window)
    const pixels = await readPixels(window, [[0, width]])
    for (let top = Math.floor(y0 / cell) * cell; top < y1; top += cell) {
      for (let left = 0; left < width; left += cell) {
        const bounds = { x0: left, y0: top, x1: Math.min(width, left + cell), y1: Math.min(height, top + cell) }
        for (const [code, shares] of sharesByCode(codes, window, bounds)) {
          if (!legend.has(code)) {
            unknown.set(code, (unknown.get(code) ?? 0) + sumOf(shares))
            continue
          }
          addToZone(
            zones,
            { cellX: left / cell, cellY: top / cell, code, window: bounds },
            pixels,
            shares,
            scene,
            options,
          )
        }
      }
    }
    options.onRows?.(y1, height)
  }
  return [...zones.values()].sort((a, b) => a.cellY - b.cellY || a.cellX - b.cellX || a.code - b.code)
}

function addToZone(
  zones: Map<string, Zone>,
  place: Pick<Zone, 'cellX' | 'cellY' | 'code' | 'window'>,
  pixels: Pixels,
  shares: Float64Array,
  scene: SceneBands,
  { texture }: { texture: boolean },
): void {
  const { window } = place
  const key = `${place.cellX} ${place.cellY} ${place.code}`
  const zone = zones.get(key) ?? { ...place, sums: emptySums(), levels: texture ? emptyLevels(window) : null }
  zones.set(key, zone)
  const first = Math.max(window.y0, pixels.window.y0)
  addPixels(zone.sums, pixels, scene.bands, window, first, Math.min(window.y1, pixels.window.y1), shares, zone.levels)
}

/**
 * Returns, by class, 1 for each pixel of that class in the rows of a cell within a chunk. Code -1 is outside the map, or has no data.
 */
function sharesByCode(codes: Int32Array, chunk: Window, bounds: Window): Map<number, Float64Array> {
  const shares = new Map<number, Float64Array>()
  const width = bounds.x1 - bounds.x0
  const y0 = Math.max(bounds.y0, chunk.y0)
  const y1 = Math.min(bounds.y1, chunk.y1)
  let before = -1
  let current: Float64Array | undefined
  for (let y = y0; y < y1; y++) {
    const from = (y - chunk.y0) * (chunk.x1 - chunk.x0) + bounds.x0 - chunk.x0
    for (let x = 0; x < width; x++) {
      const code = codes[from + x] as number
      if (code < 0) continue
      if (code !== before || !current) {
        current = shares.get(code) ?? new Float64Array(width * (y1 - y0))
        shares.set(code, current)
        before = code
      }
      current[(y - y0) * width + x] = 1
    }
  }
  return shares
}

function sumOf(shares: Float64Array): number {
  return shares.reduce((sum, share) => sum + share, 0)
}

/** Reads the map's code for each pixel of a window of the scene; -1 outside the map, and where it has no data. */
async function readCodes(
  raster: Raster,
  read: WindowReader,
  scene: GridProjection,
  map: GridProjection,
  window: Window,
): Promise<Int32Array> {
  const { columns, rows } = nearestPixels(scene, map, window)
  const codes = new Int32Array(columns.length).fill(-1)
  const part = { x0: raster.width, y0: raster.height, x1: 0, y1: 0 }
  const isInside = (column: number, row: number) =>
    column >= 0 && row >= 0 && column < raster.width && row < raster.height
  for (let at = 0; at < columns.length; at++) {
    const [column, row] = [columns[at] as number, rows[at] as number]
    if (!isInside(column, row)) continue
    if (column < part.x0) part.x0 = column
    if (column >= part.x1) part.x1 = column + 1
    if (row < part.y0) part.y0 = row
    if (row >= part.y1) part.y1 = row + 1
  }
  if (part.x0 >= part.x1) return codes
  const [samples] = (await read([0], part)) as [Samples]
  const width = part.x1 - part.x0
  for (let at = 0; at < columns.length; at++) {
    const [column, row] = [columns[at] as number, rows[at] as number]
    if (!isInside(column, row)) continue
    const code = samples[(row - part.y0) * width + column - part.x0] as number
    if (code !== raster.nodata && !Number.isNaN(code)) codes[at] = code
  }
  return codes
}

function gridOf({ transform, epsg, width, height, name }: Raster): Grid {
  if (transform && epsg !== null) return { epsg, transform, width, height }
  throw new ImageError(
    `${name}: does not say where it lies (georeference and EPSG code); write it with gdal_translate -a_srs EPSG:4326 for example`,
  )
}
