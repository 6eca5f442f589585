import { readNumber } from './numbers.ts'
import { headerKey } from './presets.ts'
import { type Field, quoted, type ReadReport } from './rows.ts'

/** Fields from 0 to 1 that other people's files often have in percent. */
export const FRACTION_FIELDS: readonly Field[] = ['valid_fraction', 'cloud_fraction']

const PERCENT_HEADER = /(^|_)(percent|percentage|pct|eo_cloud_cover)(_|$)/

/**
 * Decides whether a column of fractions is in percent: if its header says so, or if one of the first values is above 1.
 * A column with the field's own name is not. The report says what was decided.
 *
 * @param cells first values of the column
 */
export function isPercent(
  field: Field,
  header: string,
  cells: readonly unknown[],
  decimal: '.' | ',',
  report: ReadReport,
): boolean {
  if (headerKey(header) === field) return false
  const percent =
    PERCENT_HEADER.test(headerKey(header)) || cells.some(cell => (readNumber(cell, decimal) ?? Number.NaN) > 1)
  report.note(
    percent
      ? `${field}: ${quoted(header)} is in percent and is divided by 100; if it is not, give --scale ${field}=1`
      : `${field}: ${quoted(header)} is a fraction from 0 to 1; if it is in percent, give --scale ${field}=0.01`,
  )
  return percent
}
