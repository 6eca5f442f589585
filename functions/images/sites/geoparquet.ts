import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { foreignCompressors as compressors } from '../../parquet/open-foreign.ts'
import { asImageError, ImageError } from '../errors.ts'
import type { Feature } from './geojson.ts'

/** GeoParquet's metadata of the geometry column (geoparquet.org, 1.1). */
interface GeoMetadata {
  primary_column?: string
  columns?: Record<string, { encoding?: string; crs?: unknown }>
}

/** Reads the features of a GeoParquet file with WKB geometries in longitude and latitude. @throws ImageError */
export async function readGeoParquet(path: string): Promise<Feature[]> {
  return asImageError(path, 'give a GeoParquet file of polygons', async () => {
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    const text = metadata.key_value_metadata?.find(({ key }) => key === 'geo')?.value
    if (text === undefined) throw new ImageError(`${path}: is Parquet without geometries; give GeoParquet`)
    const geo = JSON.parse(text) as GeoMetadata
    const column = geo.primary_column ?? 'geometry'
    refuseOtherForms(path, geo.columns?.[column] ?? {})
    // The library converts WKB to GeoJSON geometries.
    const rows = await parquetReadObjects({ file, metadata, compressors })
    return rows.map(row => {
      const { [column]: geometry, ...properties } = row
      return { properties, geometry }
    })
  })
}

function refuseOtherForms(path: string, { encoding, crs }: { encoding?: string; crs?: unknown }): void {
  if (encoding !== undefined && encoding.toUpperCase() !== 'WKB') {
    throw new ImageError(`${path}: has geometries as ${encoding} (geoarrow); write them as WKB`)
  }
  // Without a crs, coordinates are longitude and latitude (OGC:CRS84).
  const { id } = (crs ?? {}) as { id?: { authority?: string; code?: unknown } }
  const code = id && `${id.authority}:${id.code}`
  const isLonLat = crs === undefined || code === 'OGC:CRS84' || code === 'EPSG:4326'
  if (!isLonLat) {
    throw new ImageError(`${path}: has coordinates in ${code ?? 'an unknown system'}; write it in EPSG:4326`)
  }
}
