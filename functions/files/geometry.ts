import { momentsOf } from '../core/ring-moments.ts'

/** Point in degrees. */
export interface Point {
  lon: number
  lat: number
}

/** Headers of columns with GeoJSON geometries, as `headerKey` spells them: `.geo` is that of Earth Engine. */
export const GEOMETRY_HEADERS = ['geo', 'geometry', 'geojson'] as const

type Position = readonly [x: number, y: number]

/**
 * Reads a GeoJSON geometry, as an object or as its text, and returns its place. That is a point itself, the centroid of
 * the outer rings of an area, or the mean of several points or of a line. Null for anything else, such as an empty
 * geometry.
 */
function placeOf(cell: unknown): Point | null {
  const geometry = typeof cell === 'string' ? parsed(cell) : cell
  if (typeof geometry !== 'object' || geometry === null) return null
  const { type, coordinates, geometries } = geometry as Record<string, unknown>
  if (type === 'GeometryCollection' && Array.isArray(geometries)) {
    return geometries.length === 1 ? placeOf(geometries[0]) : null
  }
  if (!Array.isArray(coordinates)) return null
  if (type === 'Polygon') return centroid([coordinates[0]])
  if (type === 'MultiPolygon') return centroid(coordinates.map(polygon => (Array.isArray(polygon) ? polygon[0] : null)))
  return meanOf(positionsIn(coordinates))
}

/** Reader of places that reads a geometry once for both of its coordinates. */
export function placeReader(): (cell: unknown) => Point | null {
  let last: { cell: unknown; place: Point | null } | undefined
  return cell => {
    if (last === undefined || last.cell !== cell) last = { cell, place: placeOf(cell) }
    return last.place
  }
}

function parsed(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return null
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function positionsIn(value: unknown): Position[] {
  if (!Array.isArray(value)) return []
  const [x, y] = value
  if (Number.isFinite(x) && Number.isFinite(y)) return [[x, y]]
  return value.flatMap(positionsIn)
}

function meanOf(positions: readonly Position[]): Point | null {
  if (positions.length === 0) return null
  const sum = (axis: 0 | 1) => positions.reduce((total, position) => total + position[axis], 0)
  return rounded(sum(0) / positions.length, sum(1) / positions.length)
}

function centroid(rings: readonly unknown[]): Point | null {
  const outlines = rings.map(positionsIn)
  const moments = outlines.map(momentsOf)
  const sum = (axis: 'area' | 'x' | 'y') =>
    moments.reduce((total, ring) => total + Math.sign(ring.area) * ring[axis], 0)
  const area = sum('area')
  return area === 0 ? meanOf(outlines.flat()) : rounded(sum('x') / area, sum('y') / area)
}

/** Rounds a place to 1e-7 degrees, about a centimetre, the precision in which places are kept. */
function rounded(lon: number, lat: number): Point {
  return { lon: Number(lon.toFixed(7)), lat: Number(lat.toFixed(7)) }
}
