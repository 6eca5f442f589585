import { headerKey } from './presets.ts'
import { quoted } from './rows.ts'
import type { Table, TableRow } from './table.ts'

/** Columns in the names of folders such as `class_name=Forest`, as Hive, Spark and DuckDB write them. */
export function pathColumnsOf(folders: readonly string[]): Record<string, string> {
  const columns: Record<string, string> = {}
  for (const folder of folders) {
    const match = /^([^=]+)=(.*)$/.exec(folder)
    if (match) columns[match[1] as string] = decoded(match[2] as string)
  }
  return columns
}

function decoded(text: string): string {
  if (text === '__HIVE_DEFAULT_PARTITION__') return ''
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Adds the columns that folders stand for to a table. Where the table has such a column itself, its values count, and a
 * row whose class is not that of its folder is refused.
 */
export function withPathColumns(table: Table, pathColumns: Readonly<Record<string, string>>): Table {
  const keys = table.columns.map(headerKey)
  const entries = Object.entries(pathColumns)
  const added = entries.filter(([name]) => !keys.includes(headerKey(name)))
  const compared = entries.flatMap(([name, value]) => {
    const column = keys.indexOf(headerKey(name))
    return headerKey(name) === 'class_name' && column >= 0 ? [{ name, value, column }] : []
  })
  if (added.length + compared.length === 0) return table
  const width = table.columns.length
  const values = added.map(([, value]) => value)
  const read = (row: TableRow, used: readonly number[]): TableRow => {
    if (!('values' in row)) return row
    for (const { name, value, column } of compared) {
      const own = used.includes(column) ? row.values[column] : undefined
      if (own === undefined || own === null || own === '' || own === value) continue
      const defect = `${name} is ${quoted(String(own))}, but the folder says ${quoted(value)}: correct one of them`
      return { row: row.row, column: table.columns[column] as string, defect }
    }
    if (added.length === 0) return row
    const whole = Array.from({ length: width }, (_, index) => row.values[index])
    return { row: row.row, values: [...whole, ...values] }
  }
  return {
    ...table,
    columns: [...table.columns, ...added.map(([name]) => name)],
    async *rows(used) {
      const own = used.filter(index => index < width)
      for await (const batch of table.rows(own)) yield batch.map(row => read(row, own))
    },
  }
}
