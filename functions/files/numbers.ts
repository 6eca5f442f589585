/** Digits as people write them: no hex, no "Infinity", all of which Number() would take. */
const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const DECIMAL_COMMA = /^[+-]?(\d+,\d*|,\d+|\d+)([eE][+-]?\d+)?$/

/** What programs write for "not measured", in lower case. */
const NOTHING: ReadonlySet<string> = new Set(['', 'nan', 'na', 'n/a', 'null', 'none', 'nil', '-', '--', '<na>', '#n/a'])

/** A cell as a number; null for "not measured"; undefined for what is neither. */
export function readNumber(value: unknown, decimal: '.' | ','): number | null | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? null : value
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (decimal === '.' ? PLAIN.test(text) : DECIMAL_COMMA.test(text)) {
    return Number(decimal === '.' ? text : text.replace(',', '.'))
  }
  return NOTHING.has(text.toLowerCase()) ? null : undefined
}

/** A number with a decimal comma that cannot be one of thousands: `0,42`, but not `1,234`. */
const SURE_DECIMAL_COMMA = /^\s*[+-]?(0?,\d+|0,\d+|\d+,(\d{1,2}|\d{4,}))\s*$/

/** The decimal mark of some cells of number columns: a comma where one shows it and none a point. */
export function decimalMarkOf(cells: Iterable<unknown>): '.' | ',' {
  let hasComma = false
  for (const cell of cells) {
    if (typeof cell !== 'string') continue
    if (cell.includes('.')) return '.'
    hasComma ||= SURE_DECIMAL_COMMA.test(cell)
  }
  return hasComma ? ',' : '.'
}
