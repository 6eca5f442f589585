/** Digits as people write them: no hex, no "Infinity", all of which Number() would take. */
const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const DECIMAL_COMMA = /^[+-]?(\d+,\d*|,\d+|\d+)([eE][+-]?\d+)?$/
/** A mark is that of thousands only if both marks occur, or if it occurs twice. */
const GROUPED = /^[+-]?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})$/
const GROUPED_COMMA = /^[+-]?\d{1,3}((\.\d{3})+,\d+|(\.\d{3}){2,})$/

/** Texts that programs write for "not measured", in lower case; the errors are those of spreadsheets. */
const NOTHING: ReadonlySet<string> = new Set([
  ...['', 'nan', 'na', 'n/a', 'n.a.', 'k.a.', 'null', '(null)', '\\n', 'none', 'nil', '-', '--', '\u2013', '\u2014'],
  ...['<na>', 'nat', '.', '?', 'missing', 'no data', 'nodata', '1.#qnan', '-1.#ind', '#nv', '#n/v'],
  ...['#n/a', '#div/0!', '#value!', '#ref!', '#num!', '#name?', '#null!'],
])

const LONGEST_NOTHING = Math.max(...[...NOTHING].map(text => text.length))

/** Returns true for a text that stands for a missing value, such as NA or #N/A. */
export function isNothing(text: string): boolean {
  const trimmed = text.trim()
  return trimmed.length <= LONGEST_NOTHING && NOTHING.has(trimmed.toLowerCase())
}

/** A cell as a number; null for "not measured"; undefined for what is neither. */
export function readNumber(value: unknown, decimal: '.' | ','): number | null | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? null : value
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string') return undefined
  if (decimal === '.' && PLAIN.test(value)) return Number(value)
  const text = ungrouped(value.trim().replace('\u2212', '-'))
  if (decimal === '.' ? PLAIN.test(text) : DECIMAL_COMMA.test(text)) {
    return Number(decimal === '.' ? text : text.replace(',', '.'))
  }
  if (decimal === '.' ? GROUPED.test(text) : GROUPED_COMMA.test(text)) {
    return Number(text.replaceAll(decimal === '.' ? ',' : '.', '').replace(',', '.'))
  }
  return isNothing(text) ? null : undefined
}

/** Spaces and apostrophes that can only be marks of thousands. */
const THOUSANDS = /^[+-]?\d{1,3}(['\u2019 \u00a0\u2009\u202f]\d{3})+([.,]\d+)?$/

function ungrouped(text: string): string {
  return THOUSANDS.test(text) ? text.replaceAll(/['\u2019 \u00a0\u2009\u202f]/g, '') : text
}

/** A number with a decimal comma that cannot be one of thousands: `0,42` and `1.234,5`, but not `1,234`. */
const SURE_COMMA = /^\s*[+-]?(0?,\d+|\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+)([eE][+-]?\d+)?\s*$/
/** A number with a decimal point that cannot be one of thousands. */
const SURE_POINT = /^\s*[+-]?(0?\.\d+|\d+\.(\d{1,2}|\d{4,})|\d{1,3}(,\d{3})+\.\d+)([eE][+-]?\d+)?\s*$/

/**
 * The decimal mark of each column by some of its cells; one whose cells do not show it has that of the others. Where
 * cells of the same column differ, the mark is a point, and the others are refused.
 */
export function decimalMarks(columns: readonly (readonly unknown[])[]): readonly ('.' | ',')[] {
  const shown = columns.map(cells => {
    const texts = cells.filter(cell => typeof cell === 'string')
    return texts.some(text => SURE_POINT.test(text)) ? '.' : texts.some(text => SURE_COMMA.test(text)) ? ',' : undefined
  })
  const others = shown.includes(',') ? ',' : '.'
  return shown.map(mark => mark ?? others)
}
