import type { Place } from '../sites/projection.ts'
import type { Polygon, Ring } from '../sites/site.ts'

const POINT = 1
const POLYGON = 3
const MULTI_POLYGON = 6

/** Encodes a point as well-known binary, little-endian. */
export function pointWkb([x, y]: Place): Uint8Array {
  const bytes = header(POINT, 16)
  bytes.view.setFloat64(5, x, true)
  bytes.view.setFloat64(13, y, true)
  return bytes.bytes
}

/** Encodes polygons as one multipolygon. */
export function multiPolygonWkb(polygons: readonly Polygon[]): Uint8Array {
  const parts = polygons.map(polygonWkb)
  const { bytes, view } = header(
    MULTI_POLYGON,
    parts.reduce((sum, part) => sum + part.length, 4),
  )
  view.setUint32(5, parts.length, true)
  let at = 9
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function polygonWkb(polygon: Polygon): Uint8Array {
  const rings = polygon.map(closed)
  const { bytes, view } = header(
    POLYGON,
    rings.reduce((sum, ring) => sum + 4 + 16 * ring.length, 4),
  )
  view.setUint32(5, rings.length, true)
  let at = 9
  for (const ring of rings) {
    view.setUint32(at, ring.length, true)
    at += 4
    for (const [x, y] of ring) {
      view.setFloat64(at, x, true)
      view.setFloat64(at + 8, y, true)
      at += 16
    }
  }
  return bytes
}

/** Returns a ring with its first point repeated at the end, as in files. */
export function closed(ring: Ring): Ring {
  return ring.length > 0 ? [...ring, ring[0] as Place] : ring
}

function header(type: number, contentBytes: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(5 + contentBytes)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, 1)
  view.setUint32(1, type, true)
  return { bytes, view }
}
