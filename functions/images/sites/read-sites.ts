import { readFile, stat } from 'node:fs/promises'
import { MAX_TEXT_LENGTH } from '../../core/event-fields.ts'
import { ImageError } from '../errors.ts'
import { type Feature, parseGeoJson, polygonsOf } from './geojson.ts'
import { readGeoParquet } from './geoparquet.ts'
import { readShapefile } from './shapefile.ts'
import type { Polygon, Site } from './site.ts'

/** Sites of a file, and the number of features that are not sites. */
export interface SitesRead {
  sites: Site[]
  /** Features without an area: points, lines, empty or broken geometries. */
  withoutArea: number
}

const MAX_FILE_BYTES = 512 * 1024 * 1024

/**
 * Reads sites from GeoJSON, GeoParquet or a shapefile, by the file's extension.
 *
 * @param fields names of the attributes that hold id and class
 * @throws ImageError when a site has no id or class, or two share an id
 */
export async function readSites(path: string, fields: { siteId: string; className: string }): Promise<SitesRead> {
  const features = await readFeatures(path)
  const sites: Site[] = []
  const numbers = new Map<string, number>()
  for (const [index, feature] of features.entries()) {
    const where = `${path}, feature ${index + 1}`
    const polygons = polygonsOf(feature.geometry)
    if (!polygons) continue
    refuseOtherCoordinates(polygons, where)
    const id = idOf(feature, fields.siteId, where)
    const className = textOf(feature.properties[fields.className])
    if (className === null) throw missing(feature, where, fields.className, '--class')
    const before = numbers.get(id)
    if (before !== undefined) {
      throw new ImageError(`${where}: has the same ${fields.siteId} '${id}' as feature ${before}; give each its own`)
    }
    numbers.set(id, index + 1)
    sites.push({ id, className, polygons })
  }
  if (sites.length === 0) throw new ImageError(`${path}: has no polygon; give the outlines of the sites`)
  return { sites, withoutArea: features.length - sites.length }
}

async function readFeatures(path: string): Promise<Feature[]> {
  const found = await stat(path).catch(error => {
    throw new ImageError(`${path}: cannot be opened (${(error as NodeJS.ErrnoException).code}); check the path`)
  })
  if (found.size > MAX_FILE_BYTES) {
    throw new ImageError(`${path}: has ${found.size} bytes, more than ${MAX_FILE_BYTES}; split it`)
  }
  if (/\.(geo)?json$/i.test(path)) return parseGeoJson(await readFile(path, 'utf8'), path)
  if (/\.(geo)?parquet$/i.test(path)) return readGeoParquet(path)
  if (/\.shp$/i.test(path)) return readShapefile(path)
  if (/\.zip$/i.test(path)) throw new ImageError(`${path}: is an archive; unpack it, and give the .shp in it`)
  throw new ImageError(`${path}: is not one of .geojson, .parquet, .shp; write the sites as one of these`)
}

/** Refuses other coordinates than longitude and latitude. Longitudes beyond 180 degrees may cross the antimeridian. */
function refuseOtherCoordinates(polygons: readonly Polygon[], where: string): void {
  for (const [lon, lat] of polygons.flat(2)) {
    if (Math.abs(lon) <= 360 && Math.abs(lat) <= 90) continue
    throw new ImageError(
      `${where}: ${lon}, ${lat} is not a longitude and latitude; write the sites in EPSG:4326, as ogr2ogr -t_srs EPSG:4326 does`,
    )
  }
}

function idOf(feature: Feature, field: string, where: string): string {
  const id = textOf(feature.properties[field]) ?? textOf(feature.id)
  if (id === null) throw missing(feature, where, field, '--site-id')
  if (id.length > MAX_TEXT_LENGTH) {
    throw new ImageError(`${where}: its ${field} has more than ${MAX_TEXT_LENGTH} characters; shorten it`)
  }
  return id
}

function missing({ properties }: Feature, where: string, field: string, flag: string): ImageError {
  const has = Object.keys(properties).slice(0, 20).join(', ')
  return new ImageError(`${where}: has no ${field}; it has ${has || 'no attributes'}. Name one with ${flag} FIELD`)
}

/** Returns an id or a class as text. In a file it may be a number. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return typeof value === 'string' && value !== '' ? value : null
}
