import { isEventLike } from '../core/envelope.ts'
import { quoted, SourceError } from './rows.ts'

type JsonRow = Record<string, unknown>

/** Rows of a JSON document, and what it says of them. */
export interface JsonRows {
  /** Null means an entry that is not an object. */
  rows: (JsonRow | null)[]
  /** Assumptions, one sentence each. */
  notes: string[]
  /** Name of the preset that the form implies. */
  format?: string
  /** Factor that the document states for its NDVI. */
  ndviScale?: number
}

/** Parses JSON in which Python may have written NaN and Infinity: those become null. @throws SyntaxError */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error
    const strict = text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, piece =>
      piece.startsWith('"') ? piece : 'null',
    )
    return JSON.parse(strict)
  }
}

/**
 * Finds the rows of a JSON document. It may be an array of objects or of rows below headers, a field that holds one,
 * GeoJSON, or one of pandas' other orientations. It may also be an answer of Sentinel Hub's Statistical API, of
 * openEO's aggregate_spatial or of ORNL's MODIS service.
 *
 * @throws SourceError when it is none of them
 */
export function rowsOfJson(document: unknown, file: string): JsonRows {
  if (Array.isArray(document)) return ofList(document, file)
  if (isObject(document)) {
    const { type, features, subset, data, columns } = document
    if (type === 'FeatureCollection' && Array.isArray(features)) return ofList(features, file)
    if (type === 'Feature') return ofList([document], file)
    if (Array.isArray(subset)) return ofOrnl(document, subset.filter(isObject), file)
    if (isSeries(document)) return ofSentinelHub(document.data, file)
    if (Array.isArray(columns) && Array.isArray(data))
      return plain(data.filter(Array.isArray).map(row => zipped(columns, row)))
    const dated = ofDates(document)
    if (dated) return dated
    const byColumn = ofColumns(document)
    if (byColumn) return plain(byColumn)
    const lists = listsWithin(document)
    if (lists.length === 1) return ofList(lists[0] as unknown[], file)
    const row = rowOf(document)
    if (!isEventLike(row) && !/ndvi/i.test(Object.keys(row).join())) refuseError(document, file)
    const keys = Object.keys(row)
    if (keys.length > 1 && (isEventLike(row) || Object.values(row).some(value => typeof value === 'number'))) {
      return plain([row])
    }
  }
  throw new SourceError(
    `${file} is JSON, but not of a form that is read: give an array of objects, NDJSON, GeoJSON, or an answer of Sentinel Hub's Statistical API`,
  )
}

/** @throws SourceError when a document is what a service answers instead of data */
function refuseError(document: JsonRow, file: string): void {
  const { error } = document
  const inner = isObject(error) ? error : document
  const text = [error, inner.message, inner.detail, inner.msg, inner.error_description].find(
    value => typeof value === 'string',
  )
  if (text !== undefined) {
    throw new SourceError(
      `${file} is the message of an error, and no data: ${quoted(text as string)}: download it again`,
    )
  }
}

function plain(rows: (JsonRow | null)[]): JsonRows {
  return { rows, notes: [] }
}

function isObject(value: unknown): value is JsonRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Maximum depth of objects in objects. */
const MAX_DEPTH = 4

/**
 * Converts an object to a row: a GeoJSON feature's properties and its id, otherwise its fields. Fields of objects
 * within have names such as `stats.ndvi.mean`. Geometries stay as they are.
 */
export function rowOf(value: JsonRow): JsonRow {
  const content = contentOf(value)
  if (content) return rowOf(content)
  const { type, properties, id } = value
  if (type === 'Feature' && isObject(properties)) {
    const place = isObject(value.geometry) && !('geometry' in properties) && { geometry: value.geometry }
    return rowOf({ ...(id !== undefined && { id }), ...properties, ...place })
  }
  if (!Object.values(value).some(isObject)) return value
  const row: JsonRow = {}
  const add = (fields: JsonRow, prefix: string, depth: number) => {
    for (const [name, field] of Object.entries(fields)) {
      const scalar = isObject(field) ? extended(field) : field
      const isNested = isObject(scalar) && depth < MAX_DEPTH && !('coordinates' in scalar || 'geometries' in scalar)
      if (isNested) add(scalar, name === 'properties' && prefix === '' ? '' : `${prefix}${name}.`, depth + 1)
      else row[`${prefix}${name}`] = scalar
    }
  }
  add(value, '', 1)
  return row
}

/** Fields in which logs, queues and databases put what people stored. */
const CONTENTS = ['payload', 'data', 'value', 'after', '_source', 'Item', 'body', 'kinesis'] as const

/** The event that an export of a log, a queue or a database has in one of its fields, as it is or as text. */
function contentOf(value: JsonRow): JsonRow | undefined {
  if (isEventLike(value)) return undefined
  for (const name of CONTENTS) {
    const content = value[name]
    const inner = typeof content === 'string' ? ofText(content) : content
    if (isObject(inner) && (isEventLike(inner) || (name === 'kinesis' && contentOf(inner)))) return inner
  }
  return undefined
}

/** An object that a text is, or that its base64 holds. */
function ofText(text: string): unknown {
  for (const json of [text, /^eyJ/.test(text) ? Buffer.from(text, 'base64').toString('utf8') : '']) {
    if (!json.startsWith('{')) continue
    try {
      return readJson(json)
    } catch {
      // Text that is no JSON is a value of its own.
    }
  }
  return undefined
}

/** The value of MongoDB's extended JSON, such as `{"$date": …}`, or of DynamoDB's; other objects as they are. */
function extended(value: JsonRow): unknown {
  const [entry, ...others] = Object.entries(value)
  if (!entry || others.length > 0) return value
  if ((entry[0] === 'S' || entry[0] === 'N') && typeof entry[1] === 'string') return entry[1]
  if (!entry[0].startsWith('$')) return value
  return isObject(entry[1]) ? extended(entry[1]) : entry[1]
}

/** Objects, rows below a row of headers as Earth Engine's getRegion has them, or Sentinel Hub's answers for several areas. */
function ofList(list: readonly unknown[], file: string): JsonRows {
  const [first, ...others] = list
  const isHeader = Array.isArray(first) && first.length > 1 && first.every(cell => typeof cell === 'string')
  if (isHeader) return plain(others.map(row => (Array.isArray(row) ? zipped(first, row) : null)))
  const answers = list.filter(isAnswer)
  if (answers.length > 0 && answers.length === list.length) return ofAnswers(answers, file)
  const series = list.filter(isSeries)
  if (series.length > 0 && series.length === list.length) {
    return ofAnswers(
      series.map((response, index) => ({ identifier: index + 1, response })),
      file,
    )
  }
  if (list.length > 0 && list.every(Array.isArray)) {
    throw new SourceError(`${file} has rows without names: its first row must name the columns, as in ["date", "NDVI"]`)
  }
  return plain(list.map(entry => (isObject(entry) ? rowOf(entry) : null)))
}

/** The lists of objects in an object or the objects in it, the outermost only. */
function listsWithin(document: JsonRow, depth = 1): unknown[][] {
  const own = Object.values(document).filter(value => Array.isArray(value) && value.some(isObject)) as unknown[][]
  if (own.length > 0 || depth === MAX_DEPTH) return own
  return Object.values(document).flatMap(value => (isObject(value) ? listsWithin(value, depth + 1) : []))
}

function zipped(columns: readonly unknown[], row: readonly unknown[]): JsonRow {
  return Object.fromEntries(columns.map((column, index) => [String(column), row[index]]))
}

/** `{column: {index: value}}` and `{column: [value]}`, as pandas and others write. */
function ofColumns(document: JsonRow): JsonRow[] | undefined {
  const columns = Object.entries(document)
  if (columns.length < 2) return undefined
  const keys = columns.map(([, values]) =>
    isObject(values) || (Array.isArray(values) && !values.some(isObject)) ? Object.keys(values).join('\n') : undefined,
  )
  // pandas' orientation `index` has the rows' numbers outside.
  if (columns.every(([name, values], index) => name === String(index) && isObject(values))) {
    return columns.map(([, values]) => values as JsonRow)
  }
  if (keys[0] === undefined || keys[0] === '' || keys.some(each => each !== keys[0])) return undefined
  return Object.keys(columns[0]?.[1] as object).map(key =>
    Object.fromEntries(columns.map(([name, values]) => [name, (values as Record<string, unknown>)[key]])),
  )
}

/** Returns true for an answer of Sentinel Hub's Statistical API. */
function isSeries(value: unknown): value is { data: unknown[] } {
  return (
    isObject(value) && Array.isArray(value.data) && value.data.some(entry => isObject(entry) && 'interval' in entry)
  )
}

/** Returns true for one answer of the batch of Sentinel Hub's Statistical API. */
export function isAnswer(value: unknown): value is JsonRow & { response: { data: unknown[] } } {
  return isObject(value) && isObject(value.response) && Array.isArray(value.response.data)
}

/** Answers of Sentinel Hub's batch of the Statistical API: one for each area, with its identifier. */
function ofAnswers(answers: readonly (JsonRow & { response: { data: unknown[] } })[], file: string): JsonRows {
  const read = answers.map(({ identifier, id, response }) => {
    const { rows, notes } = ofSentinelHub(response.data, file)
    return { rows: rows.map(row => ({ identifier: identifier ?? id, ...row })), notes }
  })
  const notes = [...new Set(read.flatMap(each => each.notes))]
  return { rows: read.flatMap(each => each.rows), notes, format: 'sentinel-hub-batch' }
}

/** @see https://docs.sentinel-hub.com/api/latest/api/statistical/ */
function ofSentinelHub(data: readonly unknown[], file: string): JsonRows {
  const rows: JsonRow[] = []
  const names = new Set<string>()
  for (const entry of data.filter(isObject)) {
    const interval = isObject(entry.interval) ? entry.interval : {}
    const times = { interval_from: interval.from, interval_to: interval.to }
    const outputs = Object.entries(isObject(entry.outputs) ? entry.outputs : {})
    if (outputs.length === 0) rows.push(times)
    for (const [output, of] of outputs) {
      const bands = isObject(of) && isObject(of.bands) ? Object.entries(of.bands) : []
      for (const [band, statistics] of bands) {
        const { stDev, ...stats } = isObject(statistics) && isObject(statistics.stats) ? statistics.stats : {}
        names.add(`${output}/${band}`)
        rows.push({ ...times, output, band, ...stats, stdev: stDev })
      }
    }
  }
  const isMeant = (name: string) => names.size === 1 || /ndvi/i.test(name)
  const meant = [...names].filter(isMeant)
  if (meant.length !== 1) {
    throw new SourceError(
      `${file} has the outputs ${[...names].join(', ')}: name the one that is NDVI "ndvi", and no other`,
    )
  }
  const kept = rows.filter(({ output, band }) => output === undefined || isMeant(`${output}/${band}`))
  const notes = names.size > 1 ? [`of the outputs ${[...names].join(', ')} ${meant[0]} is read`] : []
  return { rows: kept, notes, format: 'sentinel-hub' }
}

/** `{date: [[value of a band] of a feature]}`, or `{date: {name of a value: value}}`. */
function ofDates(document: JsonRow): JsonRows | undefined {
  const entries = Object.entries(document)
  if (entries.length === 0 || !entries.every(([key]) => /^\d{4}-\d\d-\d\d/.test(key))) return undefined
  if (entries.every(([, value]) => isObject(value))) {
    return plain(entries.map(([date, value]) => ({ date, ...rowOf(value as JsonRow) })))
  }
  if (!entries.every(([, value]) => Array.isArray(value))) return undefined
  const rows = entries.flatMap(([date, features]) =>
    (features as unknown[]).map((bands, index) => ({
      date,
      feature_index: index,
      ...Object.fromEntries([bands].flat().map((value, band) => [`band_${band}`, value])),
    })),
  )
  return { rows, notes: [], format: 'openeo' }
}

/** Valid range of MODIS NDVI before it is scaled; below it lies the fill value. */
const MODIS_VALID = { from: -2_000, to: 10_000 }

/** @see https://modis.ornl.gov/data/modis_webservice.html */
function ofOrnl({ scale }: JsonRow, subset: readonly JsonRow[], file: string): JsonRows {
  const ndvi = subset.filter(({ band }) => band === undefined || /ndvi/i.test(String(band)))
  const [other] = subset
  if (other && ndvi.length === 0) throw new SourceError(`${file} has the band ${other.band}, and none of NDVI`)
  const rows = ndvi.map(({ calendar_date, modis_date, band, data }) => {
    const pixels = [data].flat().map(Number)
    const valid = pixels.filter(value => value >= MODIS_VALID.from && value <= MODIS_VALID.to)
    const mean = valid.reduce((sum, value) => sum + value, 0) / valid.length
    const variance = valid.reduce((sum, value) => sum + (value - mean) ** 2, 0) / valid.length
    const stats = { mean, stdev: Math.sqrt(variance), min: Math.min(...valid), max: Math.max(...valid) }
    const of = { calendar_date, modis_date, band, pixels: valid.length }
    return valid.length === 0 ? of : { ...of, ...stats }
  })
  const factor = Number(scale)
  return {
    rows,
    notes: ['NDVI is the mean of the valid pixels of each date'],
    format: 'ornl-modis',
    ndviScale: factor > 0 ? factor : 0.0001,
  }
}
