import { ImageError } from './errors.ts'
import { emptySummary, imageIdOf, type Observation, outcomeOf, type Summary } from './output/rows.ts'
import type { OpenScene } from './scene/open-scene.ts'
import type { ScenePlan } from './scene/plan.ts'
import { type Grid, projectionOf } from './sites/projection.ts'
import { type Site, shapeOf } from './sites/site.ts'
import { observeSites, type Rule } from './zonal/observe-sites.ts'

export interface ObserveOptions {
  rule: Rule
  texture: boolean
  /** The least part of a zone that must be valid, 0 to 1. */
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
  const projection = projectionOf(neededGrid(scene.grid, scene.bands.red.raster.name), scene.bands.red.raster.name)
  const shapes = sites.map(site => shapeOf(site, projection))
  const summary = emptySummary()
  const observations: Observation[] = []
  for (const [index, seen] of (await observeSites(scene, shapes, options)).entries()) {
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

/** @throws ImageError without a georeference */
export function neededGrid(grid: Grid | null, name: string): Grid {
  if (grid) return grid
  throw new ImageError(`${name}: does not say where it lies (georeference and EPSG code); give --epsg, or another file`)
}
