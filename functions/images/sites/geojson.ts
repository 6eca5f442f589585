import { ImageError } from '../errors.ts'
import { withoutMark } from '../text.ts'
import type { Place } from './projection.ts'
import type { Polygon, Ring } from './site.ts'

/** Feature of a file of sites, in the form of GeoJSON. */
export interface Feature {
  id?: unknown
  properties: Record<string, unknown>
  geometry: unknown
}

/**
 * Parses the features of a GeoJSON text (RFC 7946: longitude, latitude).
 *
 * @throws ImageError when it is not a feature collection, or has other coordinates
 */
export function parseGeoJson(text: string, name: string): Feature[] {
  let document: unknown
  try {
    document = JSON.parse(withoutMark(text))
  } catch (error) {
    throw new ImageError(`${name}: is not JSON (${(error as Error).message}); give GeoJSON`)
  }
  const { type, features, crs } = (document ?? {}) as { type?: unknown; features?: unknown; crs?: unknown }
  refuseOtherCoordinates(crs, name)
  if (type === 'Feature') return [featureOf(document)]
  if (type !== 'FeatureCollection' || !Array.isArray(features)) {
    throw new ImageError(`${name}: is not a GeoJSON FeatureCollection; give one whose features are the sites`)
  }
  return features.map(featureOf)
}

function featureOf(value: unknown): Feature {
  const { id, properties, geometry } = (value ?? {}) as Partial<Feature>
  return { id, properties: properties ?? {}, geometry: geometry ?? null }
}

/** Refuses a member `crs` with another coordinate system, which was allowed before RFC 7946. */
function refuseOtherCoordinates(crs: unknown, name: string): void {
  const called = (crs as { properties?: { name?: unknown } } | null | undefined)?.properties?.name
  if (called === undefined || /CRS84|EPSG:+4326$/i.test(String(called))) return
  throw new ImageError(
    `${name}: has coordinates in ${called}; write it in longitude and latitude, as ogr2ogr -t_srs EPSG:4326 does`,
  )
}

/** Returns the polygons of a GeoJSON geometry; null if it is something else, or has no area. */
export function polygonsOf(geometry: unknown): Polygon[] | null {
  const { type, coordinates, geometries } = (geometry ?? {}) as {
    type?: unknown
    coordinates?: unknown
    geometries?: unknown
  }
  if (type === 'GeometryCollection' && Array.isArray(geometries)) {
    const parts = geometries.map(polygonsOf)
    return parts.length > 0 && parts.every(part => part !== null) ? parts.flat() : null
  }
  const polygons = type === 'Polygon' ? [coordinates] : type === 'MultiPolygon' ? coordinates : null
  if (!Array.isArray(polygons) || polygons.length === 0) return null
  const read = polygons.map(polygonOf)
  return read.every(polygon => polygon !== null) ? read : null
}

function polygonOf(rings: unknown): Polygon | null {
  if (!Array.isArray(rings) || rings.length === 0) return null
  const read = rings.map(ringOf)
  return read.every(ring => ring !== null) ? read : null
}

function ringOf(points: unknown): Ring | null {
  if (!Array.isArray(points)) return null
  const ring: Place[] = []
  for (const point of points) {
    const [x, y] = Array.isArray(point) ? point : []
    if (typeof x !== 'number' || typeof y !== 'number' || !Number.isFinite(x) || !Number.isFinite(y)) return null
    ring.push([x, y])
  }
  const [first, last] = [ring[0], ring.at(-1)]
  if (first && last && ring.length > 1 && first[0] === last[0] && first[1] === last[1]) ring.pop()
  return ring.length >= 3 ? ring : null
}
