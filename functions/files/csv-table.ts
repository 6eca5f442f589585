import { findHeader, isPreamble, joinLevels } from './csv-header.ts'
import { type CsvRecord, cutCsv } from './csv-records.ts'
import { type Mapping, namedHeaders } from './mapping.ts'
import { headerKey } from './presets.ts'
import { REQUIRED_FIELDS, SourceError } from './rows.ts'
import type { Table, TableRow } from './table.ts'
import type { DecodedText } from './text.ts'

/** Maximum number of characters of a header, in which the separator is looked for. */
const MAX_HEADER_CHARACTERS = 1_000_000
/** Number of characters in which the header is looked for below titles. */
const MAX_TITLE_CHARACTERS = 16_384

/**
 * Opens a text of separated cells as a table. Lines before the header that are blank, comments or titles are
 * skipped, and so are blank lines, lines of empty cells, comments and copies of the header below it.
 *
 * @param mapping its separator, which is found by the header where none is asked for, and the headers that it names
 * @throws SourceError when there is no header
 */
export async function openCsvTable(
  file: string,
  { chunks, encoding }: DecodedText,
  mapping: Mapping = {},
): Promise<Table> {
  const start = await untilHeader(chunks, file)
  const named = new Set(namedHeaders(mapping).map(headerKey))
  const { separator, offset, row, levels, notes } = findHeader(start, mapping.separator, named)
  if (mapping.separator === undefined && separator !== ',') notes.push(`cells are separated by ${nameOf(separator)}`)
  if (!/^utf-?8$/i.test(encoding)) notes.push(`read as ${encoding}`)
  const records = cutCsv(resumed(start.slice(offset), chunks), file, separator, row)
  const { header, rest } = await takeHeader(records, file, levels)
  const columns = header.map(name => name.trim())
  const lateNotes: string[] = []
  const passOver = (what: string) => void (lateNotes.includes(what) || lateNotes.push(what))
  return {
    file,
    columns,
    rows: () => tableRows(rest, records, columns, what => passOver(`${file}: ${what}`)),
    notes: notes.map(note => `${file}: ${note}`),
    lateNotes,
  }
}

function nameOf(separator: string): string {
  return separator === '\t' ? 'tabs' : `'${separator}'`
}

/** Reads on until the header and titles above it are complete, or the header is certainly damaged. */
async function untilHeader(chunks: AsyncGenerator<string>, file: string): Promise<string> {
  let text = ''
  while (text.length < MAX_TITLE_CHARACTERS || headerLine(text) === undefined) {
    const next = await chunks.next()
    if (next.done) break
    text += next.value
    if (text.length > MAX_HEADER_CHARACTERS && headerLine(text) === undefined) {
      throw new SourceError(
        `${file}, row 1: the header has more than ${MAX_HEADER_CHARACTERS} characters: give a file with a row per line`,
      )
    }
  }
  return text
}

/** The first line that is neither blank, a comment nor `sep=`; undefined when it has no end yet. */
function headerLine(text: string): string | undefined {
  for (const [line] of text.matchAll(/[^\r\n]*(?:\r\n|\n|\r)/g)) if (!isPreamble(line.trim())) return line
  return undefined
}

async function* resumed(text: string, chunks: AsyncGenerator<string>): AsyncGenerator<string> {
  yield text
  yield* chunks
}

/** The first record that is a header, with the next ones that belong to it, and those that came with it. */
async function takeHeader(
  records: AsyncGenerator<CsvRecord[]>,
  file: string,
  levels: number,
): Promise<{ header: string[]; rest: CsvRecord[] }> {
  const lines: string[][] = []
  for (let next = await records.next(); !next.done; next = await records.next()) {
    for (const [index, record] of next.value.entries()) {
      if ('defect' in record) throw new SourceError(`${file}, row ${record.row}: the header ${record.defect}`)
      const [first] = record.texts as [string]
      const isBlank = record.texts.every(text => text.trim() === '')
      const isSeparatorLine = /^sep=/i.test(first) && record.texts.slice(1).every(text => text === '')
      if (isBlank || isSeparatorLine || first.startsWith('#')) continue
      lines.push(record.texts)
      if (lines.length < levels) continue
      return { header: levels === 1 ? record.texts : joinLevels(lines), rest: next.value.slice(index + 1) }
    }
  }
  throw new SourceError(`${file} is empty: its first row must name the columns ${REQUIRED_FIELDS.join(', ')}`)
}

async function* tableRows(
  first: CsvRecord[],
  records: AsyncGenerator<CsvRecord[]>,
  columns: readonly string[],
  passOver: (what: string) => void,
): AsyncGenerator<TableRow[]> {
  let isFirst = true
  for (let batch: CsvRecord[] | undefined = first; batch; batch = (await records.next()).value ?? undefined) {
    const rows: TableRow[] = []
    for (const record of batch) {
      if ('defect' in record) {
        rows.push(record)
        continue
      }
      const { row, texts } = record
      const [start = ''] = texts
      if (texts.every(text => text.trim() === '')) continue
      if (isFirst && isUnits(texts, columns.length)) {
        isFirst = false
        continue
      }
      isFirst = false
      if (texts.length !== columns.length && start.startsWith('#')) passOver('comments below the header are skipped')
      else if (start === END_OF_FILE && texts.length === 1) continue
      else if (start.trim() === columns[0] && texts.every((text, at) => text.trim() === columns[at])) {
        passOver('copies of the header between the rows are skipped')
      } else if (texts.length === columns.length) rows.push({ row, values: texts })
      else rows.push({ row, defect: widthDefect(texts.length, columns.length) })
    }
    if (rows.length > 0) yield rows
  }
}

/** Mark that DOS put at the end of texts. */
const END_OF_FILE = '\x1a'

function widthDefect(cells: number, width: number): string {
  return `has ${cells} cells, the header ${width}: correct the row's separators and quotes; a decimal comma must be quoted${cells === width + 1 ? ', and R must write no row names' : ''}`
}

/** Units and types that programs write below headers, in lower case. */
const UNITS: ReadonlySet<string> = new Set([
  ...['', '-', '\u2013', '1', '%', 'utc', 'iso8601', 'iso 8601', 'text', 'string', 'str', 'float', 'double', 'int'],
  ...['integer', 'number', 'numeric', 'date', 'datetime', 'timestamp', 'index', 'unitless', 'dimensionless', 'none'],
  ...['n/a', 'percent', 'deg', 'degree', 'degrees', '\u00b0', 'name', 'id', 'px', 'pixel', 'pixels', 'yyyy-mm-dd'],
])

/** Returns true when the first row below the header has only units, such as `[-]`, `-` or `UTC`, and no value. */
function isUnits(texts: readonly string[], width: number): boolean {
  if (texts.length !== width) return false
  if (width > 1 && texts.every(text => UNITS.has(text.trim().toLowerCase()))) return true
  const isBracketed = texts.some(text => /^\[[^\]]*\]$/.test(text.trim()))
  return isBracketed && texts.every(text => !/\d{2}/.test(text))
}
