import { csvCell } from '../core/csv-cell.ts'

/**
 * Formats a table as CSV (RFC 4180): column names in the first line, null as an empty field. A text that a spreadsheet
 * would read as a formula gets an apostrophe in front.
 */
export function toCsv(columns: readonly string[], rows: readonly Record<string, unknown>[]): string {
  const lines = [columns.join(','), ...rows.map(row => columns.map(column => cell(row[column])).join(','))]
  return `${lines.join('\r\n')}\r\n`
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value !== 'string') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return csvCell(text)
}
