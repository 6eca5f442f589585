import type { Mapping } from './mapping.ts'
import { decimalMarks } from './numbers.ts'
import type { Plan } from './recognition.ts'
import { type Field, NUMBER_FIELDS } from './rows.ts'
import type { TableRow } from './table.ts'

/** Returns the decimal mark of each field of numbers: the one of the mapping, or else by the first rows. */
export function decimalsOf(
  rows: readonly TableRow[],
  { sources }: Plan,
  { decimal }: Mapping,
): { decimalOf(field: Field): '.' | ','; isFoundComma: boolean } {
  if (decimal !== undefined) return { decimalOf: () => decimal, isFoundComma: false }
  const columns = NUMBER_FIELDS.flatMap(field => {
    const source = sources[field]
    return source && 'column' in source ? [{ field, column: source.column }] : []
  })
  const cells = columns.map(({ column }) => rows.flatMap(row => ('values' in row ? [row.values[column]] : [])))
  const found = decimalMarks(cells)
  const marks = new Map<Field, '.' | ','>(columns.map(({ field }, index) => [field, found[index] as '.' | ',']))
  return { decimalOf: field => marks.get(field) ?? '.', isFoundComma: found.includes(',') }
}
