import { columnsOf, type Table, type TableColumn } from '../row-encoding/tables.ts'
import type { CqlStatement, CqlValue } from './client.ts'

/** Statements in CQL that come from the declaration of the tables. */

/** Builds the statement that adds a column to a table of an older format. */
export function addColumnCql(keyspace: string, { table, column }: TableColumn): string {
  return `ALTER TABLE ${keyspace}.${table} ADD ${column.name} ${column.type}`
}

/** Builds the CREATE TABLE statement of a table. It has no effect if the table exists. */
export function createTableCql(keyspace: string, table: Table): string {
  const { name, partitionKey, clustering, ttlSeconds } = table
  const definitions = columnsOf(table).map(column => `${column.name} ${column.type}`)
  const partition = `(${partitionKey.map(column => column.name).join(', ')})`
  const key = [partition, ...clustering.map(column => column.name)].join(', ')
  const order = clustering.map(column => `${column.name} ${column.order}`).join(', ')
  const options = [
    ...(order ? [`CLUSTERING ORDER BY (${order})`] : []),
    ...(ttlSeconds === null ? [] : [`default_time_to_live = ${ttlSeconds}`]),
  ]
  const properties = options.length > 0 ? ` WITH ${options.join(' AND ')}` : ''
  return `CREATE TABLE IF NOT EXISTS ${keyspace}.${name} (${definitions.join(', ')}, PRIMARY KEY (${key}))${properties}`
}

/** Cells of a row by column name. */
export type CqlCells = Readonly<Record<string, CqlValue>>

/** Builds the statement that inserts a row. */
export function insertCql(keyspace: string, { name }: Table, cells: CqlCells): CqlStatement {
  const columns = Object.keys(cells)
  const cql = `INSERT INTO ${keyspace}.${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
  return [cql, Object.values(cells)]
}

/** Builds the statement that inserts a row if its key has none: a lightweight transaction. */
export function createRowCql(keyspace: string, table: Table, cells: CqlCells): CqlStatement {
  const [insert, values] = insertCql(keyspace, table, cells)
  return [`${insert} IF NOT EXISTS`, values]
}

/** Builds the statement that replaces a row if its cells are still those of `replaced`: a lightweight transaction. */
export function replaceRowCql(keyspace: string, table: Table, cells: CqlCells, replaced: CqlCells): CqlStatement {
  const keys = [...table.partitionKey, ...table.clustering].map(column => column.name)
  const others = Object.keys(cells).filter(column => !keys.includes(column))
  const equal = (columns: readonly string[]) => columns.map(column => `${column} = ?`)
  const cql = `UPDATE ${keyspace}.${table.name} SET ${equal(others).join(', ')} WHERE ${equal(keys).join(' AND ')}
    IF ${equal(Object.keys(replaced)).join(' AND ')}`
  return [
    cql,
    [
      ...others.map(column => cellOf(cells, column)),
      ...keys.map(column => cellOf(cells, column)),
      ...Object.values(replaced),
    ],
  ]
}

function cellOf(cells: CqlCells, column: string): CqlValue {
  const cell = cells[column]
  if (cell === undefined) throw new Error(`the row has no cell for the column ${column}`)
  return cell
}
