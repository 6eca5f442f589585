import type { SceneBands } from './bands/scene-bands.ts'
import { ImageError } from './errors.ts'
import { emptySummary, imageIdOf, type Observation, outcomeOf, type Summary } from './output/rows.ts'
import type { OpenScene } from './scene/open-scene.ts'
import type { ScenePlan } from './scene/plan.ts'
import { type Grid, projectionOf } from './sites/projection.ts'
import { type Site, shapeOf } from './sites/site.ts'
import { observeSites, type Rule } from './zonal/observe-sites.ts'
import { tryFirstPixel } from './zonal/pixels.ts'

/** Options of observing a scene. */
export interface ObserveOptions {
  rule: Rule
  texture: boolean
  /** Minimum share of a zone that must be valid, 0 to 1. */
  minValid: number
  onRows?: (done: number, all: number) => void
}

/** Observes the sites of a scene. */
export async function observeScene(
  plan: ScenePlan,
  { scene }: OpenScene,
  sites: readonly Site[],
  options: ObserveOptions,
): Promise<{ observations: Observation[]; summary: Summary }> {
  const projection = projectionOf(await neededGrid(scene), scene.bands.red.raster.name)
  const shapes = sites.map(site => shapeOf(site, projection))
  const summary = emptySummary()
  const observations: Observation[] = []
  const observed = await observeSites(scene, shapes, options)
  // If no pixel was read, it is not known yet whether the files can be decoded.
  if (observed.every(({ inside }) => inside === 0)) await tryFirstPixel(scene)
  for (const [index, seen] of observed.entries()) {
    const shape = shapes[index] as (typeof shapes)[number]
    const { id, className, polygons } = sites[index] as Site
    const { statistics } = seen
    const outcome = outcomeOf(seen, shape.area, options.minValid)
    summary[outcome]++
    if (outcome !== 'observed' || !statistics) continue
    observations.push({
      siteId: id,
      className,
      imageId: imageIdOf(plan.identity, id),
      timestamp: plan.timestamp,
      statistics,
      texture: seen.texture,
      pixels: shape.area,
      valid: seen.valid,
      cloudy: seen.cloudy,
      centre: projection.toLonLat(shape.centroid),
      outline: polygons,
      sceneId: plan.sceneId,
      processingVersion: plan.processingVersion,
    })
  }
  return { observations, summary }
}

/** Reads where a scene's pixels lie. @throws ImageError when its files do not say it, or cannot be decoded */
export async function neededGrid(scene: SceneBands): Promise<Grid> {
  if (scene.grid) return scene.grid
  // The message about damage says more than the one about missing tags.
  await tryFirstPixel(scene)
  const { name, transform } = scene.bands.red.raster
  throw new ImageError(
    transform
      ? `${name}: does not name its coordinate system; give --epsg, 32629 for example`
      : `${name}: does not say where it lies (no georeference); give a GeoTIFF that says it`,
  )
}
