import proj4 from 'proj4'
import { ImageError } from '../errors.ts'
import type { Transform } from '../tiff/georeference.ts'

/** A longitude and a latitude in degrees (WGS 84), or a place in other coordinates: x, then y. */
export type Place = readonly [x: number, y: number]

/** The pixels of a raster as places on earth. */
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

const LON_LAT = '+proj=longlat +datum=WGS84 +no_defs'

/** Systems beside the UTM zones, as proj strings (epsg.io). */
const SYSTEMS: Record<number, string> = {
  4326: LON_LAT,
  4258: '+proj=longlat +ellps=GRS80 +towgs84=0,0,0 +no_defs',
  4269: '+proj=longlat +ellps=GRS80 +towgs84=0,0,0 +no_defs',
  3857: '+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +no_defs',
  3035: '+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
  3031: '+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=0 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs',
  3413: '+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs',
  6933: '+proj=cea +lat_ts=30 +lon_0=0 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs',
  2154: '+proj=lcc +lat_1=49 +lat_2=44 +lat_0=46.5 +lon_0=3 +x_0=700000 +y_0=6600000 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
  5070: '+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +x_0=0 +y_0=0 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
  3577: '+proj=aea +lat_1=-18 +lat_2=-36 +lat_0=0 +lon_0=132 +x_0=0 +y_0=0 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs',
}

/** The proj string of a coordinate system. @throws ImageError for one that is not known here */
export function systemOf(epsg: number, where: string): string {
  const utm = (zone: number, rest: string) => `+proj=utm +zone=${zone} ${rest} +units=m +no_defs`
  if (epsg > 32600 && epsg <= 32660) return utm(epsg - 32600, '+datum=WGS84')
  if (epsg > 32700 && epsg <= 32760) return utm(epsg - 32700, '+south +datum=WGS84')
  if (epsg >= 25828 && epsg <= 25838) return utm(epsg - 25800, '+ellps=GRS80 +towgs84=0,0,0')
  if (epsg > 26900 && epsg <= 26923) return utm(epsg - 26900, '+ellps=GRS80 +towgs84=0,0,0')
  const system = SYSTEMS[epsg]
  if (system) return system
  const known = Object.keys(SYSTEMS).join(', ')
  throw new ImageError(
    `${where}: its coordinate system EPSG:${epsg} is not known here; reproject it to a UTM zone of WGS 84 or one of ${known}`,
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
      const [x, y] = forward([lon, lat]) as [number, number]
      return [(e * (x - c) - b * (y - f)) / determinant, (a * (y - f) - d * (x - c)) / determinant]
    },
    toLonLat([column, row]) {
      const [lon, lat] = inverse([a * column + b * row + c, d * column + e * row + f]) as [number, number]
      return [lon - 360 * Math.round(lon / 360), lat]
    },
  }
}

/** Longitudes near a grid of degrees: one that passes the antimeridian has places beyond 180 degrees. */
function degrees(middleLon: number) {
  return {
    forward: ([lon, lat]: [number, number]) => [lon - 360 * Math.round((lon - middleLon) / 360), lat],
    inverse: (place: [number, number]) => place,
  }
}
