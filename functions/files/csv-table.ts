import { type CsvRecord, cutCsv } from './csv-records.ts'
import { REQUIRED_FIELDS, SourceError } from './rows.ts'
import type { Table, TableRow } from './table.ts'
import type { DecodedText } from './text.ts'

/** Separators that files use, the usual one first. */
const SEPARATORS = [',', ';', '\t', '|'] as const

/** Maximum number of characters of a header, in which the separator is looked for. */
const MAX_HEADER_CHARACTERS = 1_000_000

/**
 * Opens a text of separated cells as a table. Lines before the header that are blank or begin with # are passed over,
 * and so are blank lines and lines of empty cells.
 *
 * @param asked separator; found by the header where none is asked for
 * @throws SourceError when there is no header
 */
export async function openCsvTable(file: string, { chunks, encoding }: DecodedText, asked?: string): Promise<Table> {
  const start = await untilHeader(chunks, file)
  const notes: string[] = []
  const stated = /^(?:#[^\n\r]*[\r\n]+|[\r\n]+)*sep=(.)[ \t]*(?:\r\n|\n|\r)/i.exec(start)?.[1]
  const separator = asked ?? stated ?? separatorOf(headerLine(start))
  if (asked === undefined && separator !== ',') notes.push(`cells are separated by ${nameOf(separator)}`)
  if (!/^utf-?8$/i.test(encoding)) notes.push(`read as ${encoding}`)
  const records = cutCsv(resumed(start, chunks), file, separator)
  const { header, rest } = await takeHeader(records, file)
  const columns = header.map(name => name.trim())
  return { file, columns, rows: () => tableRows(rest, records, columns), notes: notes.map(note => `${file}: ${note}`) }
}

function nameOf(separator: string): string {
  return separator === '\t' ? 'tabs' : `'${separator}'`
}

/** Reads on until the header is complete, or is certainly damaged. */
async function untilHeader(chunks: AsyncGenerator<string>, file: string): Promise<string> {
  let text = ''
  while (headerLine(text) === undefined) {
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

function isPreamble(line: string): boolean {
  return line === '' || line.startsWith('#') || /^sep=.$/i.test(line) || line === 'sep='
}

/** Separator that occurs most often in a header, outside of quotes. */
function separatorOf(header: string | undefined): string {
  const bare = (header ?? '').replaceAll(/"[^"]*"/g, '')
  const counts = SEPARATORS.map(separator => bare.split(separator).length - 1)
  return SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ','
}

async function* resumed(text: string, chunks: AsyncGenerator<string>): AsyncGenerator<string> {
  yield text
  yield* chunks
}

/** The first record that is a header, and those that came with it. */
async function takeHeader(
  records: AsyncGenerator<CsvRecord[]>,
  file: string,
): Promise<{ header: string[]; rest: CsvRecord[] }> {
  for (let next = await records.next(); !next.done; next = await records.next()) {
    for (const [index, record] of next.value.entries()) {
      if ('defect' in record) throw new SourceError(`${file}, row ${record.row}: the header ${record.defect}`)
      const [first] = record.texts as [string]
      const isBlank = record.texts.every(text => text.trim() === '')
      const isSeparatorLine = /^sep=/i.test(first) && record.texts.slice(1).every(text => text === '')
      if (!isBlank && !isSeparatorLine && !first.startsWith('#'))
        return { header: record.texts, rest: next.value.slice(index + 1) }
    }
  }
  throw new SourceError(`${file} is empty: its first row must name the columns ${REQUIRED_FIELDS.join(', ')}`)
}

async function* tableRows(
  first: CsvRecord[],
  records: AsyncGenerator<CsvRecord[]>,
  columns: readonly string[],
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
      if (texts.every(text => text.trim() === '')) continue
      if (isFirst && isUnits(texts, columns.length)) {
        isFirst = false
        continue
      }
      isFirst = false
      if (texts.length === columns.length) rows.push({ row, values: texts })
      else rows.push({ row, defect: widthDefect(texts.length, columns.length) })
    }
    if (rows.length > 0) yield rows
  }
}

function widthDefect(cells: number, width: number): string {
  return `has ${cells} cells, the header ${width}: correct the row's separators and quotes; a decimal comma must be quoted`
}

/** Returns true when the first row below the header has only units, such as `[-]`, `-` or `UTC`, and no value. */
function isUnits(texts: readonly string[], width: number): boolean {
  const isBracketed = texts.some(text => /^\[[^\]]*\]$/.test(text.trim()))
  return isBracketed && texts.length === width && texts.every(text => !/\d{2}/.test(text))
}
