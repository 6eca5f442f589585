import { IMPORT_SLOT, slotName } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { ColumnType } from '../parquet/write.ts'
import { ARCHIVE_COLUMNS } from './parquet.ts'

/** The archive as a table of Glue and Athena, or of Trino: what data/sql reads. */
export const ARCHIVE_TABLE = 'landcover_archive'

const HIVE_TYPES: Record<ColumnType, string> = {
  STRING: 'string',
  INT32: 'int',
  INT64: 'bigint',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  TIMESTAMP: 'timestamp',
  DECIMAL: 'decimal(38,0)',
}

export interface TableColumn {
  name: string
  /** As Hive and so Glue call it. */
  type: string
}

/** The columns in the files. */
export const ARCHIVE_TABLE_COLUMNS: readonly TableColumn[] = ARCHIVE_COLUMNS.map(({ name, type }) => ({
  name,
  type: HIVE_TYPES[type],
}))

/** The column in the folders' names. */
export const ARCHIVE_PARTITION: TableColumn = { name: 'arrival_slot', type: 'string' }

/** A table's parameters in Glue. */
export type TableParameters = Record<string, string>

/**
 * Parameters by which an engine works out the slots for itself (Athena's partition projection), so that nobody has to
 * tell it of a new one. For each statement it goes through all slots since that of imports several times: over half a
 * million of them Trino plans for seconds, so slots that are shorter than an hour cost time after some years. A statement
 * without a condition on `arrival_slot` makes it look for the files of each.
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
 * The statement that makes the table in a schema of Trino.
 *
 * @param location of the archive's folder: `s3://bucket/archive`
 * @param parameters as Glue would have them, with a projection
 */
export function archiveTableDdl(location: string, parameters: TableParameters): string {
  const columns = [...ARCHIVE_TABLE_COLUMNS, ARCHIVE_PARTITION].map(({ name, type }) => `${name} ${trinoType(type)}`)
  const projection = Object.entries(parameters)
    .filter(([name]) => name.startsWith(PROJECTION))
    .map(([name, value]) => trinoProperty(name.slice(PROJECTION.length), value))
  return `create table ${ARCHIVE_TABLE} (${columns.join(', ')} with (${projection.join(', ')}))
    with (external_location = ${quoted(location)}, format = 'PARQUET', partitioned_by = array['${ARCHIVE_PARTITION.name}'],
    partition_projection_enabled = ${parameters['projection.enabled']})`
}

function trinoType(type: string): string {
  return type === 'string' ? 'varchar' : type
}

/** Trino's statement has other names and literals for what is text in Glue. */
function trinoProperty(name: string, value: string): string {
  const isList = name === 'range' || name === 'values'
  const literal = isList ? `array[${value.split(',').map(quoted).join()}]` : name === 'interval' ? value : quoted(value)
  return `partition_projection_${name.replace('.', '_')} = ${literal}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
