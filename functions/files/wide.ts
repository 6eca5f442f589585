import { type Mapping, namedHeaders } from './mapping.ts'
import { headerKey } from './presets.ts'
import { FIELDS, NUMBER_FIELDS, quoted, type ReadReport, SourceError } from './rows.ts'
import type { Table, TableRow } from './table.ts'
import { type TimeRead, timeReader } from './time-forms.ts'

/** Minimum number of such columns: fewer dates may be times of something else. */
const LEAST_DATES = 2

const VALUE_COLUMN = 'ndvi_mean'

/**
 * A wide table as a long one: a row for each cell below a header that is a date, a class or a site. Where the mapping
 * does not ask for it, headers that are dates are recognised, and those that are known classes.
 *
 * @param classes names of known classes
 */
export function unpivot(table: Table, mapping: Mapping, classes: ReadonlySet<string>, report: ReadReport): Table {
  const keys = table.columns.map(headerKey)
  const readTime = timeReader(mapping)
  const isLong = table.columns.some((header, index) => isNdvi(keys[index] as string) && !isDated(header, readTime))
  if (mapping.wide === undefined && (isLong || mapping.columns?.ndvi_mean !== undefined)) return table
  const named = new Set(namedHeaders(mapping).map(headerKey))
  const isFree = (index: number) => keys[index] !== '' && !named.has(keys[index] as string)
  const free = table.columns.flatMap((_, index) => (isFree(index) ? [index] : []))
  const dated = ofNdvi(
    table,
    free.filter(index => isDated(table.columns[index] as string, readTime)),
    report,
  )
  const ofClasses = free.filter(index => classes.has((table.columns[index] as string).trim()))
  const isDatedNdvi =
    dated.length >= LEAST_DATES || dated.some(index => isNdviWord(wordsOf(table.columns[index] as string)))
  const kind = mapping.wide ?? (isDatedNdvi ? 'timestamp' : ofClasses.length > 0 ? 'class_name' : undefined)
  if (kind === undefined) return table
  const values =
    kind === 'timestamp'
      ? dated
      : mapping.wide === undefined
        ? ofClasses
        : free.filter(index => !isField(keys[index] as string))
  if (values.length === 0) throw new SourceError(`${table.file}: no column can be a ${kind} of a wide table`)
  const kept = table.columns.flatMap((_, index) => (values.includes(index) ? [] : [index]))
  report.note(
    `${table.file}: read as a wide table: each of ${values.length} columns holds the NDVI of a ${kind}, which is its header`,
  )
  const columns = [...kept.map(index => table.columns[index] as string), kind, VALUE_COLUMN]
  const labels = values.map(index => {
    const header = (table.columns[index] as string).trim()
    return kind === 'timestamp' && readTime(header) === null ? dateWithin(header) : header
  })
  const all = table.columns.map((_, index) => index)
  async function* rows(): AsyncGenerator<TableRow[]> {
    for await (const batch of table.rows(all)) {
      yield batch.flatMap((row): TableRow[] => {
        if (!('values' in row)) return [row]
        const same = kept.map(index => row.values[index])
        return values.flatMap((index, at) => {
          const value = row.values[index]
          const isEmpty = value === null || value === undefined || value === ''
          return isEmpty ? [] : [{ row: row.row, values: [...same, labels[at], value] }]
        })
      })
    }
  }
  const { timeColumns: _, ...others } = table
  return { ...others, columns, rows }
}

function isNdvi(key: string): boolean {
  return /(^|_)ndvi(_|$)|^mean$|band_0$|c0_mean/.test(key)
}

function isDated(header: string, readTime: (value: unknown) => TimeRead | null): boolean {
  return readTime(header) !== null || readTime(dateWithin(header)) !== null
}

function isNdviWord(words: string): boolean {
  return /(^|_)ndvi(_|$)/.test(words)
}

function isMeanWord(words: string): boolean {
  return /(^|_)mean(_|$)/.test(words)
}

/** Words of headers whose columns hold something else than NDVI. */
const OTHER_VALUE =
  /(^|_)(b\d+a?|p\d+|std|stddev|stdev|sd|var|variance|min|minimum|max|maximum|percentile|count|n|pixels|evi|evi2|savi|msavi|ndwi|ndmi|ndbi|nbr|lst|lai|fpar|red|green|blue|nir|swir|cloud|clouds|cloudcover|qa|quality|scl|mask|area|sum|rain|temp)(_|$)/

/**
 * Finds the columns of NDVI among those whose headers hold a date. If the headers also hold words that differ, these are
 * the columns with `ndvi`, otherwise those with `mean`, otherwise those with a date alone.
 *
 * @throws SourceError when none can be NDVI, or several of one date
 */
function ofNdvi({ file, columns }: Table, dated: readonly number[], report: ReadReport): number[] {
  const named = dated.map(index => {
    const header = (columns[index] as string).trim()
    return { index, header, words: wordsOf(header), date: dateWithin(header) }
  })
  const possible = named.filter(({ words }) => !OTHER_VALUE.test(words))
  const word = [isNdviWord, isMeanWord].find(has => possible.some(({ words }) => has(words))) ?? (() => true)
  const meant = [
    possible.filter(({ words }) => word(words) || words === ''),
    possible.filter(({ words }) => word(words)),
  ].find(
    some =>
      some.length > 0 &&
      some.every(({ date, words, header }, at) =>
        some.every(
          (other, place) => other.date !== date || (other.words === words && (place === at || other.header !== header)),
        ),
      ),
  )
  if (meant === undefined) {
    if (dated.length < LEAST_DATES) return []
    const shown = [...new Map(named.map(({ words, header }) => [words, quoted(header)])).values()]
      .slice(0, 5)
      .join(', ')
    throw new SourceError(
      `${file}, row 1: columns with dates such as ${shown} may hold NDVI or not: name those of NDVI as NDVI_2024-06-11, and no others`,
    )
  }
  if (meant.length < dated.length) {
    report.note(
      `${file}: of the columns with dates those such as ${quoted(meant[0]?.header as string)} are read as NDVI`,
    )
  }
  return meant.map(({ index }) => index)
}

/** Words of a header without dates, tiles and orbits: those without digits, and bands and percentiles. */
function wordsOf(header: string): string {
  const words = headerKey(header).split('_')
  return words.filter(word => !/\d/.test(word) || /^(evi2|b\d+a?|p\d+)$/.test(word)).join('_')
}

function isField(key: string): boolean {
  return (
    [...FIELDS, 'system_time_start', 'date', 'time', 'system_index', 'geo'].includes(key) ||
    (NUMBER_FIELDS as readonly string[]).includes(key)
  )
}

/** Date in a header such as `NDVI_2024-06-11` or `X20240611`; the header itself where there is none. */
function dateWithin(header: string): string {
  const dayOfYear = /doy_?((?:19|20)\d\d)([0-3]\d\d)(?!\d)/i.exec(header)
  if (dayOfYear) return `${dayOfYear[1]}-${dayOfYear[2]}`
  return (
    /(?:^|[^\d])((?:19|20)\d\d([-_.]?)(?:0\d|1[0-2])\2(?:[0-2]\d|3[01]))(?!\d)/
      .exec(header)?.[1]
      ?.replaceAll(/[_.]/g, '-') ?? header
  )
}
