import { IMPORT_SLOT, slotName } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import { hiveType, sqlType } from '../parquet/hive-type.ts'
import { ARCHIVE_COLUMNS } from './parquet.ts'

/** Name of the archive's table in Glue and Athena, or in Trino. The statements of data/sql read it. */
export const ARCHIVE_TABLE = 'landcover_archive'

/** Column of the archive's table. */
export interface TableColumn {
  name: string
  /** Type name of Hive and Glue. */
  type: string
}

/** Columns in the files. */
export const ARCHIVE_TABLE_COLUMNS: readonly TableColumn[] = ARCHIVE_COLUMNS.map(({ name, type }) => ({
  name,
  type: hiveType(type),
}))

/** Column in the folder names. */
export const ARCHIVE_PARTITION: TableColumn = { name: 'arrival_slot', type: 'string' }

/** Parameters of a table in Glue. */
export type TableParameters = Record<string, string>

/**
 * Returns parameters with which an engine computes the slots itself (Athena's partition projection), so that new slots
 * need no registration. For each statement, the engine enumerates all slots since the slot of imports several times.
 * Trino needs seconds to plan over half a million slots, so slots shorter than an hour cost time after some years. A
 * statement without a condition on `arrival_slot` looks for the files of every slot.
 *
 * @param slotMs in whole minutes
 * @see https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
 */
export function slotProjection(slotMs: number): TableParameters {
  return {
    'projection.enabled': 'true',
    [`${PROJECTION}type`]: 'date',
    [`${PROJECTION}format`]: "yyyy-MM-dd'T'HH-mm",
    [`${PROJECTION}range`]: `${slotName(IMPORT_SLOT, slotMs)},NOW`,
    [`${PROJECTION}interval`]: String(slotMs / MINUTE_MS),
    [`${PROJECTION}interval.unit`]: 'MINUTES',
  }
}

const PROJECTION = `projection.${ARCHIVE_PARTITION.name}.`

/**
 * Builds the statement that creates the table in a schema of Trino.
 *
 * @param location of the archive's folder: `s3://bucket/archive`
 * @param parameters as in Glue, with a projection
 */
export function archiveTableDdl(location: string, parameters: TableParameters): string {
  const columns = [...ARCHIVE_TABLE_COLUMNS, ARCHIVE_PARTITION].map(({ name, type }) => `${name} ${sqlType(type)}`)
  const projection = Object.entries(parameters)
    .filter(([name]) => name.startsWith(PROJECTION))
    .map(([name, value]) => trinoProperty(name.slice(PROJECTION.length), value))
  return `create table ${ARCHIVE_TABLE} (${columns.join(', ')} with (${projection.join(', ')}))
    with (external_location = ${quoted(location)}, format = 'PARQUET', partitioned_by = array['${ARCHIVE_PARTITION.name}'],
    partition_projection_enabled = ${parameters['projection.enabled']})`
}

/** Converts a parameter of Glue to a table property of Trino. Names and literals differ. */
function trinoProperty(name: string, value: string): string {
  const isList = name === 'range' || name === 'values'
  const literal = isList ? `array[${value.split(',').map(quoted).join()}]` : name === 'interval' ? value : quoted(value)
  return `partition_projection_${name.replace('.', '_')} = ${literal}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
