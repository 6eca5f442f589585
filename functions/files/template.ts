import { headerKey } from './presets.ts'
import { quoted, SourceError } from './rows.ts'
import type { Table } from './table.ts'

/** A text with places for values of the row, such as `{site}_{date}`. */
export interface Template {
  /** Columns that it takes values of. */
  columns: readonly number[]
  /** @param day the row's day as YYYY-MM-DD, for `{date}` */
  fill(values: readonly unknown[], day: string): string
}

/** @throws SourceError when it names a column that the table lacks */
export function compileTemplate(text: string, { file, columns }: Table): Template {
  const keys = columns.map(headerKey)
  const stem = file.replace(/^.*\//, '').replace(/\.[^.]*$/, '')
  const used: number[] = []
  const pieces = text.split(/\{([^{}]*)\}/).map((piece, index): string | number | { day: true } => {
    if (index % 2 === 0) return piece
    const exact = columns.indexOf(piece)
    const column = exact >= 0 ? exact : keys.indexOf(headerKey(piece))
    if (column >= 0 && headerKey(piece) !== 'date') {
      used.push(column)
      return column
    }
    if (piece === 'file') return stem
    if (piece === 'date') return { day: true }
    const has = columns.slice(0, 20).map(quoted).join(', ')
    throw new SourceError(`${file}: '${text}' names a column ${quoted(piece)} that is not there; the header has ${has}`)
  })
  return {
    columns: used,
    fill: (values, day) =>
      pieces
        .map(piece =>
          typeof piece === 'string' ? piece : typeof piece === 'number' ? String(values[piece] ?? '').trim() : day,
        )
        .join(''),
  }
}
