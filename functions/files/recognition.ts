import { idColumnOf } from './composed-id.ts'
import { GEOMETRY_HEADERS } from './geometry.ts'
import { SYNONYMS, TIME_HEADERS } from './header-words.ts'
import type { Mapping } from './mapping.ts'
import { ndviColumns } from './ndvi-header.ts'
import { headerKey, PRESETS, type Preset, withoutUnit } from './presets.ts'
import { FIELDS, type Field, quoted, REQUIRED_FIELDS, type ReadReport, SourceError } from './rows.ts'
import type { Table, TableRow } from './table.ts'
import { compileTemplate, type Template } from './template.ts'
import { dateAndClock, type TimeColumns, yearAndDay } from './time-columns.ts'
import { adviceForTime, timeReader } from './time-forms.ts'

/** Source of a field's value. */
export type FieldSource =
  | { column: number }
  /** `isOfPreset`: no one asked for it, so that texts of several rows may be the same. */
  | { template: Template; isOfPreset?: true }
  /** An id that is composed of this column and the day. */
  | { template: Template; idColumn: number }
  /** A coordinate of the place of a GeoJSON geometry. */
  | { geometry: number; axis: 'lon' | 'lat' }
  | { time: TimeColumns }

/** Meaning of a file's columns: where each field of an event comes from. */
export interface Plan {
  sources: Partial<Record<Field, FieldSource>>
  /** Mapping by which the file is read the same without being recognised: what was asked for, and what was chosen. */
  mapping: Mapping
  /** Name of a field in messages: the header of its column, otherwise the field's own name. */
  headerOf(field: Field): string
}

/**
 * Chooses what a table's columns mean: what the mapping says, then headers that are an event's field names, then the
 * preset that fits, then usual other names. All but the first two are said in the report, and so are unused columns.
 *
 * @param mayLackTime whether rows may have no time of their own
 * @throws SourceError that names the fields that are missing and how to give them
 */
export async function recognize(
  table: Table,
  mapping: Mapping,
  mayLackTime: boolean,
  report: ReadReport,
): Promise<Plan> {
  const { file, columns } = table
  const headers = headerIndex(table)
  const preset = presetOf(mapping.format ?? table.format, headers)
  const sources: Plan['sources'] = {}
  const chosen: string[] = []
  let usesPreset = false
  for (const field of FIELDS) {
    const own = ownSource(table, headers, mapping, field)
    const source =
      own ??
      presetColumn(table, headers, preset, field) ??
      together(headers, field) ??
      synonym(table, headers, preset, field) ??
      ofGeometry(headers, field)
    const constant = preset?.constants?.[field]
    if (source) {
      sources[field] = source
      if (!own)
        chosen.push(
          `${field} = ${columnsOf(source)
            .map(index => quoted(columns[index] as string))
            .join(' and ')}`,
        )
    } else if (constant !== undefined && FIELDS.includes(field)) {
      sources[field] = { template: compileTemplate(constant, table), isOfPreset: true }
      chosen.push(`${field} = ${constant}`)
    } else if (field === 'image_id') {
      const idColumn = idColumnOf(columns)
      if (idColumn === undefined) continue
      const text = `{${columns[idColumn]}}_{date}`
      sources[field] = { template: compileTemplate(text, table), idColumn }
      chosen.push(`${field} = ${text}`)
    }
    usesPreset ||= preset?.columns[field] !== undefined && own === undefined && sources[field] !== undefined
  }
  await refuseMissing(table, sources, mapping, mayLackTime)
  if (chosen.length > 0) {
    const written = preset && usesPreset ? `read as ${preset.name} (${preset.writtenBy}): ` : ''
    report.note(`${file}: ${written}${chosen.join(', ')}`)
  }
  sayUnused(table, sources, report)
  return {
    sources,
    mapping: chosenMapping(columns, sources, mapping, preset && usesPreset ? preset.name : undefined),
    headerOf: field => headerOf(columns, sources[field], field),
  }
}

/** A header that is there twice cannot be named: its column is left to be recognised again. */
function chosenMapping(
  columns: readonly string[],
  sources: Plan['sources'],
  mapping: Mapping,
  format: string | undefined,
): Mapping {
  const named = Object.entries(sources).flatMap(([field, source]) => {
    if (!('column' in source)) return []
    const header = columns[source.column] as string
    return header !== '' && columns.indexOf(header) === source.column ? [[field, header]] : []
  })
  return {
    ...mapping,
    ...(format !== undefined && { format }),
    columns: { ...Object.fromEntries(named), ...mapping.columns },
  }
}

type Headers = ReadonlyMap<string, number[]>

function headerIndex({ columns }: Table): Headers {
  const headers = new Map<string, number[]>()
  for (const [index, header] of columns.entries()) {
    const key = headerKey(header)
    headers.set(key, [...(headers.get(key) ?? []), index])
  }
  for (const [index, header] of columns.entries()) {
    const key = headerKey(withoutUnit(header))
    if (!headers.has(key)) headers.set(key, [index])
  }
  return headers
}

function presetOf(format: string | undefined, headers: Headers): Preset | undefined {
  if (format !== undefined) return PRESETS.find(({ name }) => name === format)
  const has = (key: string) => headers.has(key)
  return PRESETS.find(
    ({ headers: all, oneOf, without = [] }) =>
      all.every(has) && (oneOf === undefined || oneOf.some(has)) && !without.some(has),
  )
}

/** Returns what the mapping says of a field, or the column with exactly its name. */
function ownSource(table: Table, headers: Headers, mapping: Mapping, field: Field): FieldSource | undefined {
  const { file, columns } = table
  const asked = mapping.columns?.[field]
  if (asked !== undefined) {
    const exact = columns.indexOf(asked)
    const column = exact >= 0 ? exact : headers.get(headerKey(asked))?.[0]
    if (column === undefined) {
      throw new SourceError(`${file}: there is no column ${quoted(asked)} for ${field}; ${theHeaderHas(columns)}`)
    }
    return { column }
  }
  const constant = mapping.constants?.[field]
  if (constant !== undefined) return { template: compileTemplate(constant, table) }
  const same = headers.get(field) ?? []
  if (same.length === 0) return undefined
  const exact = same.filter(index => columns[index]?.trim() === field)
  const found = exact.length > 0 ? exact : same
  if (found.length > 1) {
    throw new SourceError(`${file}, row 1: the column ${field} is there twice: remove one of them`)
  }
  return { column: found[0] as number }
}

function presetColumn(
  table: Table,
  headers: Headers,
  preset: Preset | undefined,
  field: Field,
): FieldSource | undefined {
  const key = preset?.columns[field]
  const column = key === undefined ? undefined : onlyColumn(table, headers, key, field)
  return column === undefined ? undefined : { column }
}

/**
 * The column of a header.
 *
 * @throws SourceError when it is there twice and the field is required: which one is meant cannot be known
 */
function onlyColumn({ file }: Table, headers: Headers, key: string, field: Field): number | undefined {
  const [column, another] = headers.get(key) ?? []
  if (another !== undefined && (REQUIRED_FIELDS as readonly Field[]).includes(field)) {
    throw new SourceError(
      `${file}, row 1: the column ${key}, which can be the ${field}, is there twice: rename or remove one of them`,
    )
  }
  return column
}

/** Headers of times at which a row was written or processed, which are not those of images. */
const NOT_TAKEN =
  /(^|_)(updated?|created?|creation|modified|inserted|processed|processing|ingested|ingestion|exported|loaded|uploaded|downloaded)(_|$)/

/** The place of a geometry; the first column of geometries is taken. */
function ofGeometry(headers: Headers, field: Field): FieldSource | undefined {
  if (field !== 'lon' && field !== 'lat') return undefined
  const geometry = GEOMETRY_HEADERS.map(key => headers.get(key)?.[0]).find(index => index !== undefined)
  return geometry === undefined ? undefined : { geometry, axis: field }
}

function synonym(table: Table, headers: Headers, preset: Preset | undefined, field: Field): FieldSource | undefined {
  const { columns, timeColumns = [] } = table
  if (field === 'ndvi_mean') {
    const found = ndviColumns(columns, preset?.name === 'openeo')
    return found.length === 1 ? { column: found[0] as number } : undefined
  }
  for (const key of field === 'timestamp' ? TIME_HEADERS : (SYNONYMS[field] ?? [])) {
    const column = onlyColumn(table, headers, key, field)
    if (column !== undefined) return { column }
  }
  if (field !== 'timestamp') return undefined
  const taken = timeColumns.filter(index => !NOT_TAKEN.test(headerKey(columns[index] as string)))
  if (taken.length === 1) return { column: taken[0] as number }
  const time = yearAndDay(headers)
  return time && { time }
}

function together(headers: Headers, field: Field): FieldSource | undefined {
  const time = field === 'timestamp' ? dateAndClock(headers) : undefined
  return time && { time }
}

/** The columns that a source takes values of. */
export function columnsOf(source: FieldSource): readonly number[] {
  if ('column' in source) return [source.column]
  if ('geometry' in source) return [source.geometry]
  return 'time' in source ? source.time.columns : source.template.columns
}

async function refuseMissing(
  table: Table,
  sources: Plan['sources'],
  mapping: Mapping,
  mayLackTime: boolean,
): Promise<void> {
  const { file, columns } = table
  const missing = REQUIRED_FIELDS.filter(field => !sources[field] && !(field === 'timestamp' && mayLackTime))
  if (missing.length === 0) return
  const advice = missing.map(field => `--column ${field}=HEADER`)
  const fixed = missing.includes('class_name') ? ' or --constant class_name=NAME' : ''
  const composed = missing.includes('image_id')
    ? " or --image-id '{HEADER}_{date}', or --image-id '{file}_{date}' for a file that is the series of one place"
    : ''
  const possible = missing.includes('ndvi_mean') ? ndviColumns(columns, false) : []
  const several =
    possible.length > 1
      ? `. Several columns may be NDVI: ${possible.map(index => quoted(columns[index] as string)).join(', ')}`
      : ''
  let time = ''
  if (missing.includes('timestamp')) {
    const { like, advised } = await columnsLikeTimes(table, mapping)
    const date = columns.find(header => adviceForTime(header) !== '')
    const asHeader = date === undefined ? '' : `, of the header ${quoted(date)} ${adviceForTime(date).slice(2)}`
    const parts = partsOfTime(columns)
    const found = like.length > 0 ? `${like.map(quoted).join(', ')} looks like one` : advised
    const hint = `${found ?? 'no column looks like one'}${asHeader}`
    time = `. No time is invented: ${hint}; ${parts}--constant timestamp=2024-06-11 gives all rows the same`
  }
  const wide =
    missing.includes('ndvi_mean') &&
    possible.length === 0 &&
    columns.length > 2 &&
    columns.every(header => adviceForTime(header) === '')
      ? '. If the columns are sites or classes and their cells NDVI: --wide site or --wide class_name'
      : ''
  const single =
    columns.length === 1
      ? '. A line of this file is one cell: --separator names the mark between cells, if it has several'
      : ''
  throw new SourceError(
    `${file}, row 1: no column ${missing.join(', ')}; ${theHeaderHas(columns)}. Name it: ${advice.join(' ')}${fixed}${composed}${several}${wide}${single}${time}`,
  )
}

/** Advice for tables that have only the year, or year and month, of each row. */
function partsOfTime(columns: readonly string[]): string {
  const header = (key: string) => columns.find(each => headerKey(each) === key)
  const [year, month] = [header('year'), header('month')]
  if (year === undefined) return ''
  const day = month === undefined ? `{${year}}-07-01` : `{${year}}-{${month}}-15`
  return `--constant 'timestamp=${day}' takes that day of each ${month === undefined ? 'year' : 'month'}; `
}

/**
 * Headers of the columns whose first values can all be read as times, and advice for the first column whose values are
 * times in a form that needs a flag.
 */
async function columnsLikeTimes(
  { columns, rows }: Table,
  mapping: Mapping,
): Promise<{ like: string[]; advised: string | undefined }> {
  const read = timeReader(mapping)
  let first: readonly TableRow[] = []
  for await (const batch of rows(columns.map((_, index) => index))) {
    first = batch
    break
  }
  const filled = columns.map((_, index) => {
    const cells = first.flatMap(row => ('values' in row ? [row.values[index]] : []))
    return cells.filter(cell => cell !== '' && cell !== null && cell !== undefined).slice(0, 100)
  })
  const like = columns.filter(
    (_, index) => filled[index]?.length !== 0 && filled[index]?.every(cell => read(cell) !== null),
  )
  const advices = columns.flatMap((header, index) => {
    const advice = filled[index]?.every(cell => adviceForTime(cell) !== '') ? adviceForTime(filled[index]?.[0]) : ''
    return advice === '' ? [] : [`${quoted(header)} may be one: ${advice.slice(2)}`]
  })
  return { like, advised: advices[0] }
}

function theHeaderHas(columns: readonly string[]): string {
  return `the header has ${columns.slice(0, 20).map(quoted).join(', ')}${columns.length > 20 ? ', …' : ''}`
}

function sayUnused({ file, columns }: Table, sources: Plan['sources'], report: ReadReport): void {
  const used = new Set<number>()
  for (const source of Object.values(sources)) for (const column of columnsOf(source)) used.add(column)
  const unused = columns.filter((header, index) => header !== '' && !used.has(index))
  if (unused.length === 0) return
  const shown = unused.slice(0, 20).map(quoted).join(', ')
  report.note(
    `${file}: not used: ${unused.length === 1 ? 'column' : 'columns'} ${shown}${unused.length > 20 ? ', …' : ''}`,
  )
}

function headerOf(columns: readonly string[], source: FieldSource | undefined, field: Field): string {
  return source && 'column' in source ? (columns[source.column] as string).trim() || field : field
}
