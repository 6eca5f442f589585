import { writeFile } from 'node:fs/promises'
import { csvCell } from '../../core/csv-cell.ts'
import { writeParquet } from '../../parquet/write.ts'
import { ImageError } from '../errors.ts'
import { columnsOf, type Observation, rowOf } from './rows.ts'
import { closed, multiPolygonWkb, pointWkb } from './wkb.ts'

/** Forms of an output file, by its extension. */
const FORMS = { csv: toCsv, geojson: toGeoJson, parquet: toGeoParquet } as const
type Form = keyof typeof FORMS

/** Returns the form of an output file. @throws ImageError for an unknown extension */
export function formOf(path: string): Form {
  const extension = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
  if (extension in FORMS) return extension as Form
  throw new ImageError(`${path}: --out writes .csv, .geojson or .parquet; give one of these extensions`)
}

/** Writes observations to a file. The same observations give the same bytes. */
export async function writeObservations(
  path: string,
  observations: readonly Observation[],
  options: { texture: boolean },
): Promise<void> {
  const content = FORMS[formOf(path)](observations, options)
  await writeFile(path, content).catch(error => {
    throw new ImageError(`${path}: cannot be written (${(error as NodeJS.ErrnoException).code}); check the folder`)
  })
}

function toCsv(observations: readonly Observation[], options: { texture: boolean }): string {
  const columns = columnsOf(observations, options)
  const lines = [
    columns.map(({ name }) => name),
    ...observations.map(each => columns.map(column => cellOf(column.of(each)))),
  ]
  return lines.map(cells => `${cells.join(',')}\n`).join('')
}

function cellOf(value: string | number | null): string {
  return value === null ? '' : csvCell(String(value))
}

function toGeoJson(observations: readonly Observation[], options: { texture: boolean }): string {
  const columns = columnsOf(observations, options)
  const features = observations.map(each => ({
    type: 'Feature',
    properties: rowOf(columns, each),
    geometry: each.outline
      ? { type: 'MultiPolygon', coordinates: each.outline.map(polygon => polygon.map(closed)) }
      : each.centre && { type: 'Point', coordinates: each.centre },
  }))
  return `${JSON.stringify({ type: 'FeatureCollection', features })}\n`
}

/** Writes GeoParquet 1.1: WKB, longitude and latitude. */
function toGeoParquet(observations: readonly Observation[], options: { texture: boolean }): Uint8Array {
  const columns = columnsOf(observations, options).map(column => ({ ...column, nullable: true as const }))
  const geometry = {
    name: 'geometry',
    type: 'BYTES' as const,
    nullable: true as const,
    of: ({ outline, centre }: Observation) => (outline ? multiPolygonWkb(outline) : centre && pointWkb(centre)),
  }
  const geo = {
    version: '1.1.0',
    primary_column: 'geometry',
    columns: { geometry: { encoding: 'WKB', geometry_types: [] } },
  }
  return writeParquet([...columns, geometry], observations, { geo: JSON.stringify(geo) })
}
