import type { BatchQuery, SqlValue } from '../../ports/batch-query.ts'
import { openTrinoClient, parseType, type TrinoColumn, type TrinoConnection, type TrinoValue } from './trino-client.ts'
import { toSqlValue } from './trino-values.ts'

/**
 * Query engine on Trino, with the archive as a table. archiveTableDdl creates a table that sees new slots
 * automatically.
 */
export function openTrinoBatchQuery(connection: TrinoConnection): BatchQuery {
  const client = openTrinoClient(connection)
  return {
    async query(sql) {
      const { columns, rows, bytesRead } = await client.run(sql)
      const toRow = (values: TrinoValue[]) =>
        Object.fromEntries(columns.map((column, at) => [column.name, toValue(column, values[at] as TrinoValue)]))
      return { rows: rows.map(toRow), bytesScanned: bytesRead }
    },
    close: () => client.close(),
  }
}

function toValue({ name, type }: TrinoColumn, value: TrinoValue): SqlValue {
  if (value === null) return null
  const { base, scale } = parseType(type)
  return toSqlValue(name, base, scale, String(value))
}
