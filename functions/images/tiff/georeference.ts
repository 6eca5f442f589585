import { type TiffImage, TiffTag, TiffTagGeo } from '@cogeotiff/core'

/** Affine map from pixel to coordinates, as GDAL orders it: x = a*column + b*row + c, y = d*column + e*row + f. */
export type Transform = readonly [a: number, b: number, c: number, d: number, e: number, f: number]

const PIXEL_IS_POINT = 2
const PROJECTED = 1
const USER_DEFINED = 32767

/** Reads the image's georeference. Null if it has none, or only control points. */
export function transformOf(image: TiffImage): Transform | null {
  const transform = plainTransform(image)
  if (!transform || image.valueGeo(TiffTagGeo.GTRasterTypeGeoKey) !== PIXEL_IS_POINT) return transform
  // The tie point is the centre of a pixel; the corner is half a pixel before it.
  const [a, b, c, d, e, f] = transform
  return [a, b, c - (a + b) / 2, d, e, f - (d + e) / 2]
}

function plainTransform(image: TiffImage): Transform | null {
  const matrix = image.value(TiffTag.ModelTransformation)
  if (matrix) return matrix.length < 8 ? null : (pick(matrix, [0, 1, 3, 4, 5, 7]) as unknown as Transform)
  const scale = image.value(TiffTag.ModelPixelScale)
  const tie = image.value(TiffTag.ModelTiePoint)
  if (!scale || scale.length < 2 || !tie || tie.length < 6) return null
  const [scaleX, scaleY] = scale as readonly number[] as [number, number]
  const [column, row, , x, y] = tie as readonly number[] as [number, number, number, number, number]
  // Rows go down whatever the sign, as GDAL reads it: a raster that begins in the south has a matrix.
  const step = Math.abs(scaleY)
  return [scaleX, 0, x - column * scaleX, 0, -step, y + row * step]
}

function pick(values: readonly number[], places: readonly number[]): number[] {
  return places.map(place => values[place] as number)
}

/** Reads the EPSG code of the image's coordinate system; null if it is unknown or user-defined. */
export function epsgOf(image: TiffImage): number | null {
  const key = (tag: TiffTagGeo) => {
    const value = image.tagsGeo.get(tag)
    return typeof value === 'number' && value !== USER_DEFINED ? value : null
  }
  const projected = key(TiffTagGeo.ProjectedCRSGeoKey) ?? utmOfOperation(key(TiffTagGeo.ProjectionGeoKey))
  return projected ?? (key(TiffTagGeo.GTModelTypeGeoKey) === PROJECTED ? null : key(TiffTagGeo.GeodeticCRSGeoKey))
}

/**
 * Converts the key Projection to an EPSG code. It holds the code of an operation, not of a system: 16001-16060 are UTM
 * north, 16101-16160 are UTM south.
 */
function utmOfOperation(operation: number | null): number | null {
  if (operation === null) return null
  if (operation >= 16001 && operation <= 16060) return 32600 + operation - 16000
  if (operation >= 16101 && operation <= 16160) return 32700 + operation - 16100
  return null
}
