import type { SceneBands } from '../bands/scene-bands.ts'
import type { SiteShape } from '../sites/site.ts'
import { type Texture, textureOf } from '../texture/glcm.ts'
import type { Columns, Window } from '../tiff/window.ts'
import { centreShares, coverageShares, type FillShares } from './coverage.ts'
import { addPixels, emptyLevels, openPixelReader, type Pixels } from './pixels.ts'
import { emptySums, type Statistics, statisticsOf, type ZoneSums } from './statistics.ts'

/**
 * Rules for the pixels of a site: all that it covers, weighted by share; or, as a whole, those with their centre
 * inside.
 */
export const RULES = ['coverage', 'centre'] as const
/** Rule that decides how much of a pixel at an outline counts. */
export type Rule = (typeof RULES)[number]

const FILLS: Record<Rule, FillShares> = { coverage: coverageShares, centre: centreShares }

/** Observation of a site in a scene. Weights are in pixels. */
export interface SiteObservation {
  inside: number
  valid: number
  cloudy: number
  /** Null if nothing is valid. */
  statistics: Statistics | null
  texture: Texture | null
}

/** Minimum number of rows that are read at once. More rows need more memory, fewer need more time. */
const MIN_ROWS = 128

interface Zone {
  index: number
  window: Window
  edges: Float64Array
  sums: ZoneSums
  levels: Uint8Array | null
}

/**
 * Observes sites in one pass over a scene, from top to bottom. The sums of a site are computed row by row, so they do
 * not depend on the blocks of the files.
 *
 * @returns an observation for each shape, in the same order
 */
export async function observeSites(
  scene: SceneBands,
  shapes: readonly SiteShape[],
  options: { rule: Rule; texture: boolean; onRows?: (done: number, all: number) => void },
): Promise<SiteObservation[]> {
  const { width, height } = scene.bands.red.raster
  const observations: SiteObservation[] = shapes.map(() => ({
    inside: 0,
    valid: 0,
    cloudy: 0,
    statistics: null,
    texture: null,
  }))
  const waiting = shapes
    .flatMap((shape, index) => zoneOf(shape, index, width, height) ?? [])
    .sort((one, other) => one.window.y0 - other.window.y0)
  const read = openPixelReader(scene)
  let active: Zone[] = []
  let next = 0
  for (const [y0, y1] of chunksOf(scene, height)) {
    for (; next < waiting.length && (waiting[next] as Zone).window.y0 < y1; next++) active.push(waiting[next] as Zone)
    if (active.length > 0) {
      const pixels = await read(...neededOf(active, y0, y1))
      for (const zone of active) addRows(zone, pixels, scene, options)
      for (const zone of active) if (zone.window.y1 <= y1) observations[zone.index] = finish(zone)
      active = active.filter(zone => zone.window.y1 > y1)
    }
    options.onRows?.(y1, height)
  }
  return observations
}

function zoneOf({ extent, edges }: SiteShape, index: number, width: number, height: number): Zone | null {
  if (!extent) return null
  const window = {
    x0: Math.max(0, Math.floor(extent.minX)),
    y0: Math.max(0, Math.floor(extent.minY)),
    x1: Math.min(width, Math.ceil(extent.maxX)),
    y1: Math.min(height, Math.ceil(extent.maxY)),
  }
  if (!(window.x0 < window.x1 && window.y0 < window.y1)) return null
  return { index, window, edges, sums: emptySums(), levels: null }
}

/** Yields ranges of rows: whole blocks of the file with the tallest blocks. */
export function* chunksOf({ bands }: SceneBands, height: number): Generator<[from: number, to: number]> {
  const blockHeight = Math.max(...Object.values(bands).map(({ raster }) => raster.blocks.layout.blockHeight))
  const rows = Math.ceil(MIN_ROWS / blockHeight) * blockHeight
  for (let y = 0; y < height; y += rows) yield [y, Math.min(height, y + rows)]
}

/** Returns the part of a chunk that contains its sites. */
function neededOf(zones: readonly Zone[], y0: number, y1: number): [Window, Columns[]] {
  const window = { x0: Number.POSITIVE_INFINITY, y0: y1, x1: 0, y1: y0 }
  for (const { window: each } of zones) {
    window.x0 = Math.min(window.x0, each.x0)
    window.x1 = Math.max(window.x1, each.x1)
    window.y0 = Math.min(window.y0, Math.max(y0, each.y0))
    window.y1 = Math.max(window.y1, Math.min(y1, each.y1))
  }
  return [window, zones.map(({ window: { x0, x1 } }) => [x0, x1])]
}

/** Maximum number of shares that are computed at once, so that a site as large as the scene needs little memory. */
const SHARES_AT_ONCE = 1 << 20

function addRows(zone: Zone, pixels: Pixels, scene: SceneBands, options: { rule: Rule; texture: boolean }): void {
  const { window, edges, sums } = zone
  if (options.texture) zone.levels ??= emptyLevels(window)
  const width = window.x1 - window.x0
  const end = Math.min(window.y1, pixels.window.y1)
  const rows = Math.max(1, Math.floor(SHARES_AT_ONCE / width))
  for (let y = Math.max(window.y0, pixels.window.y0); y < end; y += rows) {
    const part = { x0: window.x0, x1: window.x1, y0: y, y1: Math.min(end, y + rows) }
    const shares = new Float64Array(width * (part.y1 - part.y0))
    FILLS[options.rule](edges, part, shares)
    addPixels(sums, pixels, scene.bands, window, part.y0, part.y1, shares, zone.levels)
  }
}

function finish({ sums, levels, window }: Zone): SiteObservation {
  const { inside, valid, cloudy } = sums
  return {
    inside,
    valid,
    cloudy,
    statistics: statisticsOf(sums),
    texture: levels && textureOf(levels, window.x1 - window.x0, window.y1 - window.y0),
  }
}
