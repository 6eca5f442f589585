import { SourceError } from './rows.ts'

/** A record of a CSV: the line on which it begins, and its cells or what is wrong with its quotes. */
export type CsvRecord = { row: number; texts: string[] } | { row: number; defect: string }

/** Limit of a record. A longer one has a quote that is never closed, or is not CSV, and would fill the memory. */
const MAX_RECORD_CHARACTERS = 16_000_000

const WITHIN = 'has a quote within an unquoted cell: quote the cell, and double the quotes within it'
const CLOSING = 'has a closing quote without a comma after it: double the quotes within a quoted cell'
const TOO_LONG = `has more than ${MAX_RECORD_CHARACTERS} characters: look for a quote that is never closed, or give a file of rows`
const NOT_CLOSED = 'opens a quote that is never closed: close it, or double it if it belongs to the text'

/**
 * Splits a text into records by RFC 4180, some at once. Lines end with \n, \r\n or \r. A quote within an unquoted cell
 * makes only its record invalid.
 *
 * @param file its name, for messages
 * @param firstRow number of the line with which the text begins
 * @throws SourceError after a defect that leaves it open where the next record begins, or at a record without an end
 */
export async function* cutCsv(
  chunks: AsyncIterable<string>,
  file: string,
  separator: string,
  firstRow = 1,
): AsyncGenerator<CsvRecord[]> {
  let rest = ''
  let row = firstRow
  const at = (message: string) => new SourceError(`${file}, row ${row}: the row ${message}`)
  for await (const chunk of chunks) {
    const text = rest + chunk
    const piece = recordsOf(text, row, separator, false)
    row = piece.row
    rest = text.slice(piece.end)
    if (piece.records.length > 0) yield piece.records
    if (piece.fatal !== undefined) throw at(piece.fatal)
    if (rest.length > MAX_RECORD_CHARACTERS) throw at(TOO_LONG)
  }
  const piece = recordsOf(rest, row, separator, true)
  row = piece.row
  if (piece.records.length > 0) yield piece.records
  if (piece.fatal !== undefined) throw at(piece.fatal)
}

interface Split {
  records: CsvRecord[]
  /** Start of the first record that is not complete yet. */
  end: number
  /** Line on which it begins. */
  row: number
  /** Defect after which the ends of records can no longer be found. */
  fatal?: string
}

function recordsOf(text: string, firstRow: number, separator: string, isLast: boolean): Split {
  const records: CsvRecord[] = []
  const next = { '\n': -1, '\r': -1, '"': -1 }
  const find = (mark: '\n' | '\r' | '"', from: number): number => {
    if (next[mark] < from) {
      const found = text.indexOf(mark, from)
      next[mark] = found < 0 ? Number.POSITIVE_INFINITY : found
    }
    return next[mark]
  }
  let at = 0
  let row = firstRow
  while (at < text.length) {
    let end = Math.min(find('\n', at), find('\r', at))
    if (end === Number.POSITIVE_INFINITY) {
      if (!isLast) break
      end = text.length
    }
    if (find('"', at) < end) {
      const quoted = cutQuoted(text, at, separator, isLast)
      if (quoted === undefined) break
      if ('fatal' in quoted) return { records, end: text.length, row, fatal: quoted.fatal }
      records.push('defect' in quoted ? { row, defect: quoted.defect } : { row, texts: quoted.texts })
      at = quoted.next
      row += quoted.lines
      continue
    }
    if (!isLast && end === text.length - 1 && text[end] === '\r') break
    records.push({ row, texts: text.slice(at, end).split(separator) })
    at = end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1)
    row += 1
  }
  return { records, end: at, row }
}

type Quoted = { texts: string[]; next: number; lines: number } | { defect: string; next: number; lines: number }

/** Splits off one record that has quotes; undefined when its end is not there yet. */
function cutQuoted(
  text: string,
  start: number,
  separator: string,
  isLast: boolean,
): Quoted | { fatal: string } | undefined {
  const texts: string[] = []
  let at = start
  let defect: string | undefined
  for (;;) {
    let cell = ''
    if (text[at] === '"') {
      at += 1
      for (;;) {
        const close = text.indexOf('"', at)
        if (close < 0) return isLast ? { fatal: NOT_CLOSED } : undefined
        cell += text.slice(at, close)
        at = close + 1
        if (text[at] !== '"') break
        cell += '"'
        at += 1
      }
      if (at >= text.length && !isLast) return undefined
    } else {
      const end = endOfCell(text, at, separator)
      if (end === text.length && !isLast) return undefined
      cell = text.slice(at, end)
      if (cell.includes('"')) defect ??= WITHIN
      at = end
    }
    texts.push(cell)
    if (at < text.length && text[at] === separator) {
      at += 1
      continue
    }
    if (at < text.length && text[at] !== '\n' && text[at] !== '\r') return { fatal: CLOSING }
    if (!isLast && at === text.length - 1 && text[at] === '\r') return undefined
    const next = at + (text[at] === '\r' && text[at + 1] === '\n' ? 2 : 1)
    const lines = text.slice(start, next).match(/\r\n|\r|\n/g)?.length ?? 0
    return defect === undefined ? { texts, next, lines } : { defect, next, lines }
  }
}

function endOfCell(text: string, from: number, separator: string): number {
  for (let at = from; at < text.length; at++) {
    const character = text[at]
    if (character === separator || character === '\n' || character === '\r') return at
  }
  return text.length
}
