import { openTables } from './open-tables.ts'
import { headerKey } from './presets.ts'
import { GARBLED, quoted, SourceError } from './rows.ts'
import type { Table } from './table.ts'

const COLUMN = 'class_name'

/**
 * Reads the class names of a people's list: a table with the column class_name, in any form that events have. Names are
 * given in composed Unicode form.
 *
 * @throws SourceError that names the file's fault: no such column, no name, text that is not UTF-8, or two names that
 *   people cannot tell apart
 */
export async function readClassNames(path: string): Promise<string[]> {
  const rowOf = new Map<string, { name: string; row: number }>()
  for await (const table of openTables(path, {})) {
    for await (const { name, row } of namesIn(table)) {
      const key = name.toLowerCase()
      const other = rowOf.get(key)
      if (other && other.name !== name) {
        throw new SourceError(
          `${table.file}, rows ${other.row} and ${row}: ${quoted(other.name)} and ${quoted(name)} differ in case only: keep one of them`,
        )
      }
      rowOf.set(key, other ?? { name, row })
    }
  }
  if (rowOf.size === 0) throw new SourceError(`${path} has no names in its column ${COLUMN}: write one in each row`)
  return Array.from(rowOf.values(), ({ name }) => name)
}

async function* namesIn({ file, columns, rows }: Table): AsyncGenerator<{ name: string; row: number }> {
  const column = columns.findIndex(header => headerKey(header) === COLUMN)
  if (column < 0) {
    const has = columns.slice(0, 20).map(quoted).join(', ')
    throw new SourceError(
      `${file}, row 1: no column ${COLUMN}; the header has ${has}. Name the column of names ${COLUMN}`,
    )
  }
  for await (const batch of rows([column])) {
    for (const read of batch) {
      const row = 'row' in read ? read.row : 0
      if (!('values' in read))
        throw new SourceError(`${file}, row ${row}: the row cannot be read: correct its separators`)
      const name = String(read.values[column] ?? '')
        .trim()
        .normalize('NFC')
      if (name === '')
        throw new SourceError(`${file}, row ${row}: ${COLUMN} is missing: fill in the cell or remove the row`)
      if (name.includes(GARBLED)) {
        throw new SourceError(
          `${file}, row ${row}: ${quoted(name)} is not UTF-8 text: save the list as UTF-8, which spreadsheets call "CSV UTF-8"`,
        )
      }
      yield { name, row }
    }
  }
}
