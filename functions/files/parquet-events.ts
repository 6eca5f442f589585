import { basename } from 'node:path'
import { decodeEvent, InvalidEventError, type WireEvent } from '../core/event.ts'
import { formatTimestamp } from '../core/time.ts'
import { openParquet, type ParquetFile } from '../parquet/read.ts'
import {
  GARBLED,
  OPTIONAL_COLUMNS,
  quoted,
  REQUIRED_COLUMNS,
  type RowProblem,
  type RowRead,
  SourceError,
  TEXT_COLUMNS,
} from './rows.ts'

const COLUMNS = [...REQUIRED_COLUMNS, ...OPTIONAL_COLUMNS]

/**
 * Reads events from a Parquet file with the event's field names as columns, piece by piece. Other columns are ignored.
 * Null and NaN (as numpy has it) are "not measured" where the field is optional. Timestamps may be text, which names
 * its zone or is UTC, or of Parquet's own types. Without a column `timestamp` the time is now.
 *
 * @param now the time of reading, in ms since the epoch
 * @throws SourceError when the file is missing, damaged or no Parquet file, or lacks a required column. Where pages have
 *   checksums, damage is found before the first event; otherwise events before it have been given by then
 */
export async function* readParquetEvents(path: string, { now }: { now: () => number }): AsyncGenerator<RowRead> {
  const file = basename(path)
  const fault = (error: unknown) => new SourceError(`cannot read ${path} as Parquet: ${messageOf(error)}`)
  const parquet = await openParquet(path).catch(error => {
    throw fault(error)
  })
  const columns = columnsOf(parquet, file)
  const rows = parquet.rows(columns)
  for (let row = 1; ; row++) {
    const next = await rows.next().catch(error => {
      throw fault(error)
    })
    if (next.done) return
    yield toEvent(file, row, next.value, now())
  }
}

function columnsOf({ columns }: ParquetFile, file: string): (keyof WireEvent)[] {
  const missing = REQUIRED_COLUMNS.filter(column => !columns.includes(column))
  if (missing.length > 0) {
    const has = columns.slice(0, 20).map(quoted).join(', ')
    throw new SourceError(`${file}: no column ${missing.join(', ')}; the file has ${has}. Add or rename it`)
  }
  return COLUMNS.filter(column => columns.includes(column))
}

function toEvent(file: string, row: number, values: Record<string, unknown>, nowMs: number): RowRead {
  const event: Partial<Record<keyof WireEvent, unknown>> = {}
  for (const column of COLUMNS) if (column in values) event[column] = fieldOf(values[column])
  if (!('timestamp' in values)) event.timestamp = formatTimestamp(nowMs)
  const refuse = (column: keyof WireEvent | null, message: string): { problem: RowProblem } => {
    const value = column && event[column]
    const advice =
      value === null || value === undefined
        ? 'correct the row or remove it'
        : `correct the value, which is ${quoted(String(value))}`
    return { problem: { file, row, column, message: `${message}: ${advice}` } }
  }
  for (const column of TEXT_COLUMNS as ReadonlySet<keyof WireEvent>) {
    if (String(event[column]).includes(GARBLED)) return refuse(column, `${column} is not UTF-8 text`)
  }
  try {
    decodeEvent(event, nowMs)
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error
    return refuse(error.field, error.message)
  }
  return { file, row, event: event as unknown as WireEvent }
}

/** A value as JSON would have it. */
function fieldOf(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number') return Number.isNaN(value) ? null : value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : formatTimestamp(value.getTime())
  return value
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
