import proj4 from 'proj4'
import { ImageError } from '../errors.ts'
import type { Transform } from '../tiff/georeference.ts'

/** A longitude and a latitude in degrees (WGS 84), or a place in other coordinates: x, then y. */
export type Place = readonly [x: number, y: number]

/** Grid of a raster: its pixels as places on earth. */
export interface Grid {
  epsg: number
  transform: Transform
  width: number
  height: number
}

/** Maps between WGS 84 and the pixels of a grid. Column and row are continuous; (0, 0) is the upper left corner. */
export interface GridProjection {
  toPixel(lonLat: Place): Place
  toLonLat(pixel: Place): Place
}

const NOWHERE: Place = [Number.NaN, Number.NaN]
const LON_LAT = '+proj=longlat +datum=WGS84 +no_defs'

/** Coordinate systems in addition to the UTM zones, as proj strings (epsg.io). */
const SYSTEMS: Record<number, string> = {
  4326: LON_LAT,
  4283: '+proj=longlat +ellps=GRS80 +towgs84=0,0,0 +no_defs',
  4674: '+proj=longlat +ellps=GRS80 +towgs84=0,0,0 +no_defs',
  7844: '+proj=longlat +ellps=GRS80 +towgs84=0,0,0 +no_defs',
  4258: '+proj=longlat +ellps=GRS80 +towgs84=0,0,0 +no_defs',
  4269: '+proj=longlat +ellps=GRS80 +towgs84=0,0,0 +no_defs',
  3857: '+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +no_defs',
  3035: '+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
  3031: '+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=0 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs',
  3413: '+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs',
  6933: '+proj=cea +lat_ts=30 +lon_0=0 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs',
  2154: '+proj=lcc +lat_1=49 +lat_2=44 +lat_0=46.5 +lon_0=3 +x_0=700000 +y_0=6600000 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
  5070: '+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +x_0=0 +y_0=0 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
  3006: '+proj=utm +zone=33 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
  3067: '+proj=utm +zone=35 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
  2180: '+proj=tmerc +lat_0=0 +lon_0=19 +k=0.9993 +x_0=500000 +y_0=-5300000 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
  2193: '+proj=tmerc +lat_0=0 +lon_0=173 +k=0.9996 +x_0=1600000 +y_0=10000000 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
  3577: '+proj=aea +lat_1=-18 +lat_2=-36 +lat_0=0 +lon_0=132 +x_0=0 +y_0=0 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
}

const GRS80 = '+ellps=GRS80 +towgs84=0,0,0'

/** UTM zones, one code after the other: first and last code, the first one's zone, and the datum. */
const UTM_FAMILIES: readonly (readonly [first: number, last: number, firstZone: number, rest: string])[] = [
  [32601, 32660, 1, '+datum=WGS84'],
  [32701, 32760, 1, '+south +datum=WGS84'],
  // ETRS89, NAD83, NAD83(2011), SIRGAS 2000, GDA94 and GDA2020.
  [25828, 25838, 28, GRS80],
  [26901, 26923, 1, GRS80],
  [6330, 6348, 1, GRS80],
  [31965, 31976, 11, GRS80],
  [31977, 31985, 17, `+south ${GRS80}`],
  [28348, 28358, 48, `+south ${GRS80}`],
  [7846, 7859, 46, `+south ${GRS80}`],
]

/** Returns the proj string of a coordinate system. @throws ImageError for an unknown one */
export function systemOf(epsg: number, where: string): string {
  for (const [first, last, firstZone, rest] of UTM_FAMILIES) {
    if (epsg >= first && epsg <= last) return `+proj=utm +zone=${firstZone + epsg - first} ${rest} +units=m +no_defs`
  }
  const system = SYSTEMS[epsg]
  if (system) return system
  const known = Object.keys(SYSTEMS).join(', ')
  throw new ImageError(
    `${where}: its coordinate system EPSG:${epsg} is not known here; reproject it with gdalwarp -t_srs to a UTM zone of WGS 84 or one of ${known}`,
  )
}

/** Makes the projection of a grid. @throws ImageError when its coordinate system is not known */
export function projectionOf({ epsg, transform, width, height }: Grid, where: string): GridProjection {
  const system = systemOf(epsg, where)
  const [a, b, c, d, e, f] = transform
  const determinant = a * e - b * d
  if (!(Math.abs(determinant) > 0)) {
    throw new ImageError(`${where}: its georeference maps all pixels to one line; write it again`)
  }
  const middleLon = a * (width / 2) + b * (height / 2) + c
  const { forward, inverse } = system.startsWith('+proj=longlat') ? degrees(middleLon) : proj4(LON_LAT, system)
  return {
    toPixel([lon, lat]) {
      // The library returns nothing for a place that a projection cannot show, such as a pole in Mercator.
      const [x, y] = (forward([lon, lat]) as [number, number] | undefined) ?? NOWHERE
      return [(e * (x - c) - b * (y - f)) / determinant, (a * (y - f) - d * (x - c)) / determinant]
    },
    toLonLat([column, row]) {
      const [lon, lat] = inverse([a * column + b * row + c, d * column + e * row + f]) as [number, number]
      return [lon - 360 * Math.round(lon / 360), lat]
    },
  }
}

/** Maps longitudes near a grid in degrees. A grid that crosses the antimeridian has longitudes beyond 180 degrees. */
function degrees(middleLon: number) {
  return {
    forward: ([lon, lat]: [number, number]) => [lon - 360 * Math.round((lon - middleLon) / 360), lat],
    inverse: (place: [number, number]) => place,
  }
}
