import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream'
import { type Info, type CsvError as ParserError, parse } from 'csv-parse'
import { decodeEvent, InvalidEventError, type WireEvent } from '../core/event.ts'
import { formatTimestamp } from '../core/time.ts'
import {
  GARBLED,
  NDVI_COLUMNS,
  OPTIONAL_COLUMNS,
  quoted,
  REQUIRED_COLUMNS,
  type RowProblem,
  type RowRead,
  SourceError,
  SPECTRAL_COLUMNS,
  TEXT_COLUMNS,
} from './rows.ts'

/** Nothing (more) can be read from the CSV files. */
export class CsvError extends SourceError {
  override name = 'CsvError'
}

type Column = keyof WireEvent | 'class_id'
type Cells = Partial<Record<Column, string>>
type Fields = Partial<Record<keyof WireEvent, unknown>>
type Problem = { problem: RowProblem }
type Side = Map<string, { row: number; fields: Fields | null }>

const IMAGES = 'images.csv'
const CLASSES = 'classes.csv'
const NDVI_STATS = 'ndvi_stats.csv'
const SPECTRAL_DATA = 'spectral_data.csv'

/** The files of a folder that is read as a whole; the first is a row per event. */
export const FOLDER_FILES = [IMAGES, CLASSES, NDVI_STATS, SPECTRAL_DATA] as const

/** Longer rows are a quote that was never closed: without a bound it would bring the whole file into memory. */
const MAX_ROW_CHARACTERS = 1_000_000

/** Digits as people write them: no hex, no "Infinity", no spaces, all of which Number() would take. */
const PLAIN_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

/**
 * Reads events from one CSV file with the event's field names as columns, or from a folder with images.csv,
 * classes.csv, ndvi_stats.csv and spectral_data.csv, joined on image_id and class_id. Other columns are ignored. A
 * file is read as a stream; of a folder, all but images.csv is held in memory.
 *
 * Without a `timestamp` column (of images.csv, in a folder) the time is now. An empty cell is "not measured" where
 * the field is optional. A row that does not give an event gives one problem, its first; an image whose row in another
 * file was refused is left out under that file's problem.
 *
 * @param now the time of reading, in ms since the epoch
 * @throws CsvError when a file or a required column is missing, a file is empty, or its syntax is broken such that
 *   the rows after it cannot be told apart; events before that have been given by then
 */
export async function* readEvents(path: string, { now }: { now: () => number }): AsyncGenerator<RowRead> {
  const found = await stat(path).catch(error => {
    throw new CsvError(`cannot read ${path}: give a CSV file, or a folder with ${IMAGES}`, { cause: error })
  })
  yield* found.isDirectory() ? readFolder(path, now) : readFlatFile(path, now)
}

async function* readFlatFile(path: string, now: () => number): AsyncGenerator<RowRead> {
  const columns = [...REQUIRED_COLUMNS, ...OPTIONAL_COLUMNS]
  for await (const line of readRows(path, REQUIRED_COLUMNS, OPTIONAL_COLUMNS)) {
    if ('problem' in line) yield line
    else yield toEvent(line, fieldsOf(line.cells, columns), now())
  }
}

async function* readFolder(folder: string, now: () => number): AsyncGenerator<RowRead> {
  await checkFolder(folder)
  const classes = yield* readSide(join(folder, CLASSES), 'class_id', ['class_name'], [], now)
  const ndvi = yield* readSide(join(folder, NDVI_STATS), 'image_id', ['ndvi_mean'], NDVI_COLUMNS.slice(1), now)
  const spectral = yield* readSide(join(folder, SPECTRAL_DATA), 'image_id', [], SPECTRAL_COLUMNS, now)
  for await (const line of readRows(join(folder, IMAGES), ['image_id', 'class_id'], ['timestamp'])) {
    if ('problem' in line) {
      yield line
      continue
    }
    const { image_id: imageId = '', class_id: classId = '' } = line.cells
    const unmatched = missingCell(line, 'image_id') ?? missingCell(line, 'class_id')
    if (unmatched !== null) {
      yield unmatched
      continue
    }
    const known = classes.get(classId)
    if (known === undefined) {
      const message = `class_id ${quoted(classId)} is not in ${CLASSES}: add it there or correct it here`
      yield problemOf(line, 'class_id', message)
      continue
    }
    const stats = ndvi.get(imageId)
    const bands = spectral.get(imageId)
    if (stats === undefined || bands === undefined) {
      const lacking = [stats ?? NDVI_STATS, bands ?? SPECTRAL_DATA].filter(each => typeof each === 'string')
      const message = `image ${quoted(imageId)} is not in ${lacking.join(' nor in ')}: add its row or remove this one`
      yield problemOf(line, 'image_id', message)
      continue
    }
    if (known.fields === null || stats.fields === null || bands.fields === null) continue
    const own = fieldsOf(line.cells, ['image_id', 'timestamp'])
    yield toEvent(line, { ...bands.fields, ...stats.fields, ...known.fields, ...own }, now())
  }
}

async function checkFolder(folder: string): Promise<void> {
  const present = await readdir(folder)
  const missing = FOLDER_FILES.filter(name => !present.includes(name))
  if (missing.length > 0) {
    throw new CsvError(`${folder} lacks ${missing.join(', ')}: put it there, or give one CSV file instead of a folder`)
  }
}

/**
 * Reads a whole file of the folder by its key, the first row of each. Its rows are checked here, so that what is
 * wrong with them is told once, whether no image refers to them or many; a refused row has no fields.
 */
async function* readSide(
  path: string,
  key: 'image_id' | 'class_id',
  required: readonly (keyof WireEvent)[],
  optional: readonly (keyof WireEvent)[],
  now: () => number,
): AsyncGenerator<Problem, Side> {
  const side: Side = new Map()
  for await (const line of readRows(path, [key, ...required], optional)) {
    if ('problem' in line) {
      yield line
      continue
    }
    const keyMissing = missingCell(line, key)
    if (keyMissing !== null) {
      yield keyMissing
      continue
    }
    const id = line.cells[key] as string
    const first = side.get(id)
    if (first !== undefined) {
      yield problemOf(
        line,
        key,
        `${key} ${quoted(id)} is in row ${first.row} already, which counts: remove one of them`,
      )
      continue
    }
    const fields = fieldsOf(line.cells, [...required, ...optional])
    const checked = toEvent(line, { ...UNOBJECTIONABLE, ...fields }, now())
    side.set(id, { row: line.row, fields: 'event' in checked ? fields : null })
    if ('problem' in checked) yield checked
  }
  return side
}

/** Stands in for the fields of other files while a row is checked by itself. */
const UNOBJECTIONABLE: WireEvent = {
  image_id: 'any',
  class_name: 'any',
  ndvi_mean: 0,
  timestamp: formatTimestamp(0),
}

/** The cells as an event's fields. What is not a plain number stays text, for decodeEvent to refuse by its name. */
function fieldsOf(cells: Cells, columns: readonly (keyof WireEvent)[]): Fields {
  const fields: Fields = {}
  for (const column of columns) {
    const cell = cells[column]
    if (cell === undefined) continue
    const isNumber = !TEXT_COLUMNS.has(column) && PLAIN_NUMBER.test(cell)
    fields[column] = cell === '' ? null : isNumber ? Number(cell) : cell
  }
  return fields
}

function toEvent(line: Line, fields: Fields, nowMs: number): RowRead {
  const event = { ...NOT_MEASURED, timestamp: formatTimestamp(nowMs), ...fields }
  try {
    decodeEvent(event, nowMs)
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error
    return problemOf(line, error.field, `${error.message}: ${adviceFor(error.field, line.cells)}`)
  }
  return { file: line.file, row: line.row, event: event as unknown as WireEvent }
}

const NOT_MEASURED = Object.fromEntries([...NDVI_COLUMNS.slice(1), ...SPECTRAL_COLUMNS].map(column => [column, null]))

function adviceFor(field: keyof WireEvent | null, cells: Cells): string {
  const cell = field === null ? undefined : cells[field]
  if (cell === undefined) return 'correct the row or remove it'
  if (cell === '') return 'fill in the cell or remove the row'
  const isOddNumber = !TEXT_COLUMNS.has(field as Column) && !PLAIN_NUMBER.test(cell)
  return `correct the cell, which holds ${quoted(cell)}${isOddNumber ? ', to a plain number such as 0.42' : ''}`
}

function missingCell(line: Line, column: Column): Problem | null {
  return line.cells[column] === '' ? problemOf(line, column, `${column} is missing: fill in the cell`) : null
}

function problemOf({ file, row }: { file: string; row: number }, column: string | null, message: string): Problem {
  return { problem: { file, row, column, message } }
}

/** A row with the cells of the columns that were asked for and that the file has. */
interface Line {
  file: string
  row: number
  cells: Cells
}

/** Streams the rows of a file; blank lines are passed over. */
async function* readRows(
  path: string,
  required: readonly Column[],
  optional: readonly Column[],
): AsyncGenerator<Line | Problem> {
  const file = basename(path)
  let header: { width: number; indexes: [Column, number][] } | null = null
  for await (const record of readRecords(path)) {
    const { row } = record
    if ('defect' in record) {
      if (header === null) throw new CsvError(`${file}, row ${row}: the header ${record.defect}`)
      yield problemOf({ file, row }, null, `the row ${record.defect}`)
      continue
    }
    const { texts } = record
    if (texts.length === 1 && texts[0] === '') continue
    if (header === null) {
      header = { width: texts.length, indexes: findColumns(file, texts, required, optional) }
    } else if (texts.length !== header.width) {
      const message = `the row has ${texts.length} cells, the header ${header.width}: correct the row's commas and quotes`
      yield problemOf({ file, row }, null, message)
    } else {
      const cells: Cells = {}
      for (const [column, index] of header.indexes) cells[column] = texts[index] as string
      const garbled = header.indexes.find(([column]) => cells[column]?.includes(GARBLED))
      if (garbled === undefined) yield { file, row, cells }
      else yield problemOf({ file, row }, garbled[0], `${garbled[0]} is not UTF-8 text: save the file as UTF-8`)
    }
  }
  if (header === null)
    throw new CsvError(`${file} is empty: its first row must name the columns ${required.join(', ')}`)
}

function findColumns(
  file: string,
  header: string[],
  required: readonly Column[],
  optional: readonly Column[],
): [Column, number][] {
  const missing = required.filter(column => !header.includes(column))
  if (missing.length > 0) {
    const has = header.slice(0, 20).map(quoted).join(', ')
    throw new CsvError(
      `${file}, row 1: no column ${missing.join(', ')}; the header has ${has}. Add it, and separate cells by commas`,
    )
  }
  const wanted = [...required, ...optional].filter(column => header.includes(column))
  const twice = wanted.find(column => header.indexOf(column) !== header.lastIndexOf(column))
  if (twice !== undefined) throw new CsvError(`${file}, row 1: the column ${twice} is there twice: remove one of them`)
  return wanted.map(column => [column, header.indexOf(column)])
}

type CsvRecord = { row: number; texts: string[] }
type SyntaxDefect = { row: number; defect: string; isLast: boolean }

const OPENING_QUOTE = 'INVALID_OPENING_QUOTE'

const SYNTAX_DEFECTS: Record<string, string> = {
  [OPENING_QUOTE]: 'has a quote within an unquoted cell: quote the cell, and double the quotes within it',
  CSV_INVALID_CLOSING_QUOTE: 'has a closing quote without a comma after it: double the quotes within a quoted cell',
  CSV_QUOTE_NOT_CLOSED: 'opens a quote that is never closed: close it, or double it if it belongs to the text',
  CSV_MAX_RECORD_SIZE: `has more than ${MAX_ROW_CHARACTERS} characters: look for a quote that is never closed`,
}

/** @throws CsvError after a defect that leaves the parser unable to tell where the next row begins */
async function* readRecords(path: string): AsyncGenerator<CsvRecord | SyntaxDefect> {
  const defects: SyntaxDefect[] = []
  const lines = lineCounter()
  const parser = parse({
    bom: true,
    relax_column_count: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: MAX_ROW_CHARACTERS,
    // The parser's types know of arrays only; it hands on whatever this returns.
    on_record: (texts, info) => ({ row: lines.record(texts, info.lines), texts }) as unknown as string[],
    skip_records_with_error: true,
    // A parser that throws would take back the good rows that it has read ahead of us.
    on_skip: error => {
      const { code, lines: parserLine, message } = error as ParserError & Info
      const row = lines.defect(parserLine)
      const isLast = (code as string) !== OPENING_QUOTE
      const before = defects.at(-1)
      const isTold = before !== undefined && (before.isLast || (before.row === row && !isLast))
      if (!isTold) defects.push({ row, defect: SYNTAX_DEFECTS[code] ?? message, isLast })
      return undefined
    },
  })
  pipeline(createReadStream(path), parser, () => {
    // The failure of one destroys the other with it, so that it reaches the loop below.
  })
  try {
    for await (const record of parser as AsyncIterable<CsvRecord>) {
      yield* takeDefects(path, defects, record.row)
      yield record
    }
  } catch (error) {
    if (error instanceof CsvError) throw error
    throw new CsvError(`cannot read ${path}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  yield* takeDefects(path, defects, Number.POSITIVE_INFINITY)
}

function* takeDefects(path: string, defects: SyntaxDefect[], beforeRow: number): Generator<SyntaxDefect> {
  while (defects[0] !== undefined && defects[0].row < beforeRow) {
    const first = defects.shift() as SyntaxDefect
    if (first.isLast) throw new CsvError(`${basename(path)}, row ${first.row}: the row ${first.defect}`)
    yield first
  }
}

/**
 * Finds the line on which a row begins. The parser tells the one on which it ends, and within quotes it counts "\r\n"
 * as two.
 */
function lineCounter() {
  let countedTwice = 0
  let lastLine = 0
  let defectiveLine = 0
  return {
    record(texts: string[], parserLine: number): number {
      let breaks = 0
      for (const text of texts) {
        for (const [lineBreak] of text.matchAll(/\r\n|\r|\n/g)) {
          breaks += 1
          if (lineBreak === '\r\n') countedTwice += 1
        }
      }
      lastLine = parserLine - countedTwice
      return lastLine - breaks
    },
    /** Several defects of one row are given the same line. */
    defect(parserLine: number): number {
      if (parserLine - countedTwice > lastLine) {
        defectiveLine = lastLine + 1
        lastLine = parserLine - countedTwice
      }
      return defectiveLine
    },
  }
}
