import { momentsOf } from '../../core/ring-moments.ts'
import type { GridProjection, Place } from './projection.ts'

/** Closed line. Its last point, which equals the first, is left out. */
export type Ring = readonly Place[]
/** An outer ring, then its holes. */
export type Polygon = readonly Ring[]

/** A place that is observed: an id, a land-cover class, and its outline in longitude and latitude. */
export interface Site {
  id: string
  className: string
  polygons: readonly Polygon[]
}

/** A site's outline in the pixels of a grid. */
export interface SiteShape {
  /** Edges, four numbers each: x and y of start and end. Outer rings run one way, holes the other. */
  edges: Float64Array
  /** Range of pixels that the site touches; may extend beyond the image. Null if the site cannot lie in the image. */
  extent: { minX: number; minY: number; maxX: number; maxY: number } | null
  /** Area in pixels, including the part outside the image. */
  area: number
  /** Centre of mass, in pixels. */
  centroid: Place
}

/** Projects a site into the pixels of a grid. Edges are straight in the image. */
export function shapeOf({ polygons }: Pick<Site, 'polygons'>, { toPixel }: GridProjection): SiteShape {
  const edges: number[] = []
  let area = 0
  let momentX = 0
  let momentY = 0
  for (const polygon of polygons) {
    for (const [index, ring] of polygon.entries()) {
      const pixels = ring.map(toPixel)
      const moments = momentsOf(pixels)
      const direction = (index === 0 ? 1 : -1) * (moments.area < 0 ? -1 : 1)
      area += direction * moments.area
      momentX += direction * moments.x
      momentY += direction * moments.y
      addEdges(edges, pixels, direction)
    }
  }
  const extent = extentOf(edges)
  const [first] = polygons[0]?.[0] ?? []
  const centroid: Place =
    area > 0 ? [momentX / area, momentY / area] : first ? toPixel(first) : [Number.NaN, Number.NaN]
  return { edges: Float64Array.from(edges), extent, area, centroid }
}

function addEdges(edges: number[], ring: Ring, direction: number): void {
  for (let at = 0, before = ring.length - 1; at < ring.length; before = at++) {
    const [start, end] = direction > 0 ? [ring[before], ring[at]] : [ring[at], ring[before]]
    edges.push(...(start as Place), ...(end as Place))
  }
}

function extentOf(edges: readonly number[]): SiteShape['extent'] {
  const extent = { minX: Infinity, minY: Infinity, maxX: -Infinity, maxY: -Infinity }
  for (let at = 0; at < edges.length; at += 2) {
    const x = edges[at] as number
    const y = edges[at + 1] as number
    // The projection has no values for places on the other side of the earth.
    if (!Number.isFinite(x) || !Number.isFinite(y)) return null
    extent.minX = Math.min(extent.minX, x)
    extent.maxX = Math.max(extent.maxX, x)
    extent.minY = Math.min(extent.minY, y)
    extent.maxY = Math.max(extent.maxY, y)
  }
  return extent.minX <= extent.maxX ? extent : null
}
