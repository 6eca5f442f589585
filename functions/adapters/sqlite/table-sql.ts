import { type Column, columnsOf, TABLES, type Table, type TableColumn } from '../row-encoding/tables.ts'

/** Statements for SQLite that come from the declaration of the tables. A parameter has the name of its column. */

const TYPES = { text: 'TEXT', bigint: 'INTEGER', int: 'INTEGER', double: 'REAL', blob: 'BLOB' } as const

/** Parameter of a compare-and-set: last position of the row that is replaced. */
export const REPLACED = 'replaced'

const SQLITE_TABLES = TABLES.filter(table => table.only === undefined)

/** Lists the columns of the tables in SQLite. */
export const SQLITE_COLUMNS: readonly TableColumn[] = SQLITE_TABLES.flatMap(table =>
  inSqlite(columnsOf(table)).map(column => ({ table: table.name, column })),
)

/** Builds the statements that create the tables. They have no effect on tables that exist. */
export function createTablesSql(): string {
  return SQLITE_TABLES.map(createTableSql).join('\n')
}

/** Builds the statement that creates a table. The text is part of the format: SQLite keeps it in the file. */
function createTableSql(table: Table): string {
  const keys = keysOf(table)
  const [onlyKey] = keys.length === 1 ? keys : []
  const definitions = inSqlite(columnsOf(table)).map(column => {
    const { name, type, nullable, since } = column
    if (name === onlyKey) return `${name} ${TYPES[type]} PRIMARY KEY`
    return `${name} ${TYPES[type]}${nullable || since !== undefined ? '' : ' NOT NULL'}`
  })
  const key = onlyKey === undefined ? [`PRIMARY KEY (${keys.join(', ')})`] : []
  return `CREATE TABLE IF NOT EXISTS ${table.name} (
    ${[...definitions, ...key].join(',\n    ')}
  ) WITHOUT ROWID;`
}

/** Builds the statement that adds a column to a table of an older format. */
export function addColumnSql({ table, column }: TableColumn): string {
  return `ALTER TABLE ${table} ADD COLUMN ${column.name} ${TYPES[column.type]}`
}

/** Builds the statement that inserts a row if its key has none. */
export function createRowSql(table: Table): string {
  const columns = namesOf(columnsOf(table))
  const parameters = columns.map(column => `:${column}`)
  return `INSERT INTO ${table.name} (${columns.join(', ')}) VALUES (${parameters.join(', ')}) ON CONFLICT DO NOTHING`
}

/** Builds the statement that replaces a row if its last position is still `:replaced`. */
export function replaceRowSql(table: Table): string {
  const equal = (columns: readonly string[]) => columns.map(column => `${column} = :${column}`)
  return `UPDATE ${table.name} SET ${equal(namesOf(table.columns)).join(', ')}
    WHERE ${equal(keysOf(table)).join(' AND ')} AND last_sequence = :${REPLACED}`
}

function inSqlite<T extends Column>(columns: readonly T[]): T[] {
  return columns.filter(column => column.only === undefined)
}

function namesOf(columns: readonly Column[]): string[] {
  return inSqlite(columns).map(column => column.name)
}

function keysOf({ partitionKey, clustering }: Table): string[] {
  return namesOf([...partitionKey, ...clustering])
}
