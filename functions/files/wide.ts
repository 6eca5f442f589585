import type { Mapping } from './mapping.ts'
import { headerKey } from './presets.ts'
import { FIELDS, NUMBER_FIELDS, type ReadReport, SourceError } from './rows.ts'
import type { Table, TableRow } from './table.ts'
import { timeReader } from './time-forms.ts'

/** Fewer columns of dates may be times of other things. */
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
  if (mapping.wide === undefined && hasNdvi(keys, mapping)) return table
  const named = new Set(namedHeaders(mapping).map(headerKey))
  const isFree = (index: number) => keys[index] !== '' && !named.has(keys[index] as string)
  const free = table.columns.flatMap((_, index) => (isFree(index) ? [index] : []))
  const readTime = timeReader(mapping)
  const dated = free.filter(
    index => readTime(table.columns[index]) !== null || readTime(dateWithin(table.columns[index] as string)) !== null,
  )
  const ofClasses = free.filter(index => classes.has((table.columns[index] as string).trim()))
  const kind =
    mapping.wide ?? (dated.length >= LEAST_DATES ? 'timestamp' : ofClasses.length > 0 ? 'class_name' : undefined)
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

function hasNdvi(keys: readonly string[], mapping: Mapping): boolean {
  return (
    mapping.columns?.ndvi_mean !== undefined ||
    keys.some(key => /(^|_)ndvi(_|$)|^mean$|band_0$|c0_mean/.test(key) && !/\d{6}/.test(key))
  )
}

function namedHeaders({ columns = {}, constants = {} }: Mapping): string[] {
  const inTexts = Object.values(constants).flatMap(text =>
    Array.from(text.matchAll(/\{([^{}]*)\}/g), ([, name]) => name as string),
  )
  return [...Object.values(columns), ...inTexts]
}

function isField(key: string): boolean {
  return (
    [...FIELDS, 'system_time_start', 'date', 'time', 'system_index', 'geo'].includes(key) ||
    (NUMBER_FIELDS as readonly string[]).includes(key)
  )
}

/** The date in a header such as `NDVI_2024-06-11` or `X20240611`; the header itself where there is none. */
function dateWithin(header: string): string {
  return (
    /(?:^|[^\d])((?:19|20)\d\d([-_.]?)(?:0\d|1[0-2])\2(?:[0-2]\d|3[01]))(?!\d)/
      .exec(header)?.[1]
      ?.replaceAll(/[_.]/g, '-') ?? header
  )
}
