import { isAnswer, readJson, rowOf, rowsOfJson } from './json-forms.ts'
import { SourceError } from './rows.ts'
import type { Table, TableRow } from './table.ts'
import type { DecodedText } from './text.ts'
import { wholeText } from './text.ts'

/** A JSON value that is not NDJSON is held in memory whole. */
const MAX_CHARACTERS = 400_000_000
const ROWS_AT_ONCE = 1_000

type JsonRow = Record<string, unknown>

/**
 * Opens JSON as a table: NDJSON with an object per line, an array of objects, or a form of `rowsOfJson`.
 *
 * @param open decodes the file from its start, as often as it is called
 */
export async function openJsonTable(file: string, open: () => Promise<DecodedText>): Promise<Table> {
  if (await isNdjson((await open()).chunks)) return ndjsonTable(file, open)
  const text = await wholeText((await open()).chunks, file, MAX_CHARACTERS)
  let document: unknown
  try {
    document = readJson(text)
  } catch (error) {
    const lists = text.trim().split('\n').map(parsed)
    if (lists.length > 1 && lists.every(Array.isArray)) return tableOf(rowsOfJson(lists, file), file)
    throw new SourceError(`${file} begins as JSON, but is damaged or cut off: ${(error as Error).message}`)
  }
  return tableOf(rowsOfJson(document, file), file)
}

function tableOf({ rows, notes, format, ndviScale }: ReturnType<typeof rowsOfJson>, file: string): Table {
  const columns = [...new Set(rows.flatMap(row => Object.keys(row ?? {})))]
  let read = 0
  async function* batches(): AsyncGenerator<TableRow[]> {
    while (read < rows.length) {
      yield rows.slice(read, read + ROWS_AT_ONCE).map(values => {
        read += 1
        return values === null
          ? { row: read, defect: 'is not a JSON object: write an object for each image' }
          : { row: read, values: columns.map(column => values[column]) }
      })
    }
  }
  return {
    file,
    columns,
    rows: batches,
    share: () => read / rows.length,
    notes: notes.map(note => `${file}: ${note}`),
    ...(format && { format }),
    ...(ndviScale !== undefined && { ndviScale }),
  }
}

/** Returns true when the first line is a whole object and the next one begins another. */
async function isNdjson(chunks: AsyncGenerator<string>): Promise<boolean> {
  for await (const line of linesOf(chunks)) {
    if (line.trim() === '') continue
    return isObject(parsed(line))
  }
  return false
}

async function ndjsonTable(file: string, open: () => Promise<DecodedText>): Promise<Table> {
  const columns = new Set<string>()
  let lines = 0
  let only: unknown
  const answers: JsonRow[] = []
  for await (const line of linesOf((await open()).chunks)) {
    const value = parsed(line)
    if (line.trim() === '') continue
    lines += 1
    if (!isObject(value)) continue
    only = value
    if (isAnswer(value)) answers.push(value)
    for (const name of Object.keys(rowOf(value))) columns.add(name)
  }
  // A single object on one line may also be a document. Answers for several areas belong together.
  const isAnswers = answers.length === lines
  if (lines === 1 || isAnswers) return tableOf(rowsOfJson(isAnswers ? answers : only, file), file)
  return { file, columns: [...columns], rows: () => ndjsonRows(open, [...columns]), notes: [] }
}

async function* ndjsonRows(open: () => Promise<DecodedText>, columns: readonly string[]): AsyncGenerator<TableRow[]> {
  let rows: TableRow[] = []
  let row = 0
  for await (const line of linesOf((await open()).chunks)) {
    row += 1
    if (line.trim() === '') continue
    const value = parsed(line)
    if (isObject(value)) {
      const object = rowOf(value)
      rows.push({ row, values: columns.map(column => object[column]) })
    } else {
      rows.push({ row, defect: 'is not a JSON object: write one object per line' })
    }
    if (rows.length >= ROWS_AT_ONCE) {
      yield rows
      rows = []
    }
  }
  if (rows.length > 0) yield rows
}

/** Mark at the start of each record of a JSON text sequence, such as GeoJSONSeq. */
export const RECORD_MARK = '\x1e'

function parsed(line: string): unknown {
  try {
    return readJson(line.startsWith(RECORD_MARK) ? line.slice(1) : line)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is JsonRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() as string
    yield* lines
  }
  if (rest !== '') yield rest
}
