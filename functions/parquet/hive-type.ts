import type { ColumnType } from './write.ts'

const HIVE_TYPES: Record<ColumnType, string> = {
  STRING: 'string',
  BYTES: 'binary',
  INT32: 'int',
  INT64: 'bigint',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  TIMESTAMP: 'timestamp',
  DECIMAL: 'decimal(38,0)',
}

/** Type of a column as Hive and Glue call it. */
export function hiveType(type: ColumnType): string {
  return HIVE_TYPES[type]
}

/** Type of a column as Trino, Athena and DuckDB call it, from its name in Hive. */
export function sqlType(type: string): string {
  return type === 'string' ? 'varchar' : type
}
