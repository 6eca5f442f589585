import { decodeAt, InvalidEventError, ORIGINAL_NUMBERS, PLACE_TEXTS, type WireEvent } from '../core/event.ts'
import { dayOf, formatTimestamp } from '../core/time.ts'
import type { ClassNames } from './class-names.ts'
import { placeReader } from './geometry.ts'
import type { Mapping } from './mapping.ts'
import { type NdviColumn, ndviColumn } from './ndvi-column.ts'
import { isNothing, readNumber } from './numbers.ts'
import { columnsOf, type FieldSource, type Plan } from './recognition.ts'
import {
  type Field,
  GARBLED,
  NDVI_FIELDS,
  NUMBER_FIELDS,
  quoted,
  type ReadReport,
  type RowEvent,
  type RowRead,
  TEXT_FIELDS,
} from './rows.ts'
import type { Table, TableRow } from './table.ts'
import { ACCEPTED_TIMES, adviceForTime, type TimeRead, timeReader } from './time-forms.ts'

/** Input for reading a row, besides its cells. */
export interface RowContext {
  /** The time of reading: an event may not lie after it. */
  now(): number
  /** Rows without a time get the time of reading. */
  timeIsNow: boolean
  classes: ClassNames
  /** The decimal mark of a field's texts. */
  decimalOf(field: Field): '.' | ','
  /** Fields from 0 to 1 whose column is in percent. */
  percents: ReadonlySet<Field>
  report: ReadReport
}

/** Reader of a file's rows, in their order. */
export interface RowReader {
  read(row: TableRow): RowRead
  /** @throws SourceError when the NDVI of the rows so far is in another scale */
  refuseOtherScale(): void
}

/** Thrown to leave a row out. */
class InvalidCellError extends Error {
  readonly field: Field
  constructor(field: Field, message: string) {
    super(message)
    this.name = 'InvalidCellError'
    this.field = field
  }
}

/** Reads the rows of a table as events, by a plan. Optional values that cannot be used are "not measured", and counted. */
export function rowReader(table: Table, plan: Plan, mapping: Mapping, context: RowContext): RowReader {
  const { file } = table
  const readTime = timeReader(mapping)
  const nodata = new Set(mapping.nodata)
  const ndvi = ndviColumn(file, mapping, context.report)
  const factorOf = (field: Field) => mapping.scale?.[field] ?? defaultFactor(field, mapping, table, context.percents)
  const placeOf = placeReader()
  const numbers = NUMBER_FIELDS.flatMap(field => {
    const source = plan.sources[field]
    return source ? [{ field, source, factor: factorOf(field), decimal: context.decimalOf(field) }] : []
  })
  const placeTexts = PLACE_TEXTS.flatMap(field => {
    const source = plan.sources[field]
    return source ? [{ field, source }] : []
  })
  const fields = [...TEXT_FIELDS, ...ORIGINAL_NUMBERS, ...[...numbers, ...placeTexts].map(({ field }) => field)]
  const notMeasured: Readonly<Record<string, unknown>> = Object.fromEntries(fields.map(field => [field, null]))
  const scaling = { nodata, ndvi, offsets: offsetsOf(mapping), report: context.report }
  const isLeftOut = (value: number | null) => mapping.nodata !== undefined && (value === null || nodata.has(value))

  const id = plan.sources.image_id
  const composed = id && 'isOfPreset' in id ? numbered(context.report) : undefined

  function eventOf(values: readonly unknown[]): Pick<RowEvent, 'event' | 'decoded'> | null {
    const nowMs = context.now()
    const wire = { ...notMeasured }
    const eventMs = timeOf(plan, values, readTime, context, nowMs)
    for (const field of TEXT_FIELDS) wire[field] = textOf(plan, field, values, eventMs)
    for (const { field, source } of placeTexts) wire[field] = placeText(field, source, values, eventMs, context.report)
    if (typeof wire.class_name === 'string') wire.class_name = context.classes.known(wire.class_name)
    if (composed) wire.image_id = composed(wire, eventMs)
    for (const { field, source, factor, decimal } of numbers) {
      const cell =
        'geometry' in source ? (placeOf(values[source.geometry])?.[source.axis] ?? null) : cellOf(source, values)
      const number = readNumber(cell, decimal)
      if (field === 'ndvi_mean' && number !== undefined && isLeftOut(number)) return null
      wire[field] = scaled(field, number, cell, factor, scaling)
    }
    const decoded = decodeAt(wire, eventMs, nowMs, ({ field }) => {
      context.report.warn(unusable(field))
      wire[field] = null
    })
    return { decoded, event: () => ({ ...wire, timestamp: formatTimestamp(eventMs) }) as unknown as WireEvent }
  }

  return {
    read(row) {
      if ('problem' in row) return row
      if ('defect' in row) {
        const { column = null, defect } = row
        return { problem: { file, row: row.row, column, message: column === null ? `the row ${defect}` : defect } }
      }
      try {
        const event = eventOf(row.values)
        return event ? { file, row: row.row, ...event } : { noMeasurement: true }
      } catch (error) {
        if (!(error instanceof InvalidCellError || error instanceof InvalidEventError)) throw error
        const { field } = error
        const column = field === null ? null : plan.headerOf(field as Field)
        const message = `${error.message}: ${adviceFor(plan, field as Field | null, row.values)}`
        return { problem: { file, row: row.row, column, message } }
      }
    },
    refuseOtherScale: ndvi.refuseOtherScale,
  }
}

/**
 * Numbers the ids that a preset composes from the second of a class and time on: two tiles of one day in a chart are
 * two images. An export that grows at its end keeps the numbers.
 */
function numbered(report: ReadReport): (wire: Record<string, unknown>, eventMs: number) => string {
  const counts = new Map<string, number>()
  return ({ image_id, class_name }, eventMs) => {
    const key = `${class_name}\n${eventMs}\n${image_id}`
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    if (count === 1) return image_id as string
    report.note('rows of the same class and time are images of their own: their composed ids are numbered')
    return `${image_id}_${count}`
  }
}

function defaultFactor(
  field: Field,
  { scale }: Mapping,
  { ndviScale }: Table,
  percents: ReadonlySet<Field>,
): number | undefined {
  if ((NDVI_FIELDS as readonly string[]).includes(field)) return scale?.ndvi ?? ndviScale
  return percents.has(field) ? 0.01 : undefined
}

/** Offset of each field; that of `ndvi` moves mean, minimum and maximum, but no deviation. */
function offsetsOf({ offset = {} }: Mapping): ReadonlyMap<Field, number> {
  const { ndvi = 0, ...others } = offset
  const offsets = { ndvi_mean: ndvi, ndvi_min: ndvi, ndvi_max: ndvi, ...others }
  return new Map(Object.entries(offsets).filter(([, value]) => value !== 0) as [Field, number][])
}

function cellOf(source: FieldSource, values: readonly unknown[]): unknown {
  return 'column' in source
    ? values[source.column]
    : 'template' in source
      ? source.template.fill(values, '')
      : undefined
}

function timeOf(
  plan: Plan,
  values: readonly unknown[],
  readTime: (value: unknown) => TimeRead | null,
  { timeIsNow, report }: RowContext,
  nowMs: number,
): number {
  const source = plan.sources.timestamp
  if (!source) {
    if (timeIsNow) return nowMs
    throw new InvalidCellError('timestamp', 'timestamp is missing')
  }
  let read: TimeRead | null
  if ('time' in source) {
    const cells = source.time.columns.map(column => values[column])
    read = source.time.read(cells, readTime)
  } else {
    const value = cellOf(source, values)
    if (value === null || value === undefined || value === '')
      throw new InvalidCellError('timestamp', 'timestamp is missing')
    read = readTime(value)
  }
  if (!read) {
    throw new InvalidCellError(
      'timestamp',
      `timestamp must be a date and time such as ${ACCEPTED_TIMES}${adviceForTime(cellOf(source, values))}`,
    )
  }
  if (read.assumed) report.note(read.assumed)
  return read.ms
}

function textOf(plan: Plan, field: 'image_id' | 'class_name', values: readonly unknown[], eventMs: number): unknown {
  const source = plan.sources[field] as FieldSource
  if ('idColumn' in source && isNothing(String(values[source.idColumn] ?? ''))) {
    throw new InvalidCellError(field, `${field} is composed of a cell that is empty`)
  }
  if (field === 'image_id' && columnsOf(source).some(column => isTotals(values[column]))) {
    throw new InvalidCellError(field, `${field} says that this is a line of totals, not an image`)
  }
  if ('template' in source) return source.template.fill(values, dayOf(eventMs))
  const value = cellOf(source, values)
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw new InvalidCellError(
      field,
      `${field} is a number with more digits than are kept, so that ids would be the same: write it as text`,
    )
  }
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value === 'string' && value.includes(GARBLED)) {
    throw new InvalidCellError(field, `${field} is not UTF-8 text: --encoding latin1 reads Western European files`)
  }
  const isMissing = typeof value === 'string' && (field === 'image_id' ? isNothing(value) : value === '')
  if (isMissing) throw new InvalidCellError(field, `${field} is missing`)
  return value
}

/** Words with which lines of totals begin, in lower case. */
const TOTALS = /^(grand total|total|totals|sum|summe|gesamt|mean|average|avg|mittelwert|moyenne|promedio) ?:?$/i

function isTotals(cell: unknown): boolean {
  return typeof cell === 'string' && TOTALS.test(cell.trim())
}

/** Text of an optional field, or null where there is none. Text that could not be decoded is not measured. */
function placeText(
  field: Field,
  source: FieldSource,
  values: readonly unknown[],
  eventMs: number,
  report: ReadReport,
): unknown {
  const value = 'template' in source ? source.template.fill(values, dayOf(eventMs)) : cellOf(source, values)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value !== 'string') return value
  if (!value.includes(GARBLED)) return isNothing(value) ? null : value
  report.warn(unusable(field))
  return null
}

/** Rules by which numbers of files become values of fields. */
interface Scaling {
  nodata: ReadonlySet<number>
  ndvi: NdviColumn
  offsets: ReadonlyMap<Field, number>
  report: ReadReport
}

function scaled(
  field: Field,
  number: number | null | undefined,
  cell: unknown,
  factor: number | undefined,
  { nodata, ndvi, offsets, report }: Scaling,
): number | null {
  if (number === undefined) {
    if (field === 'ndvi_mean')
      throw new InvalidCellError(field, `${field} must be a number such as 0.42, not ${shown(cell)}`)
    report.warn(unusable(field))
    return null
  }
  if (number === null || nodata.has(number)) return null
  const offset = offsets.get(field)
  if (field === 'ndvi_mean') ndvi.add(number, factor, offset)
  if (factor === undefined && offset === undefined) return number
  // Twelve digits are more than are kept, and undo what binary fractions add: 3542 * 0.0001 is 0.3542.
  return Number((number * (factor ?? 1) + (offset ?? 0)).toPrecision(12))
}

function unusable(field: string): string {
  return `${field} could not be used and is taken as not measured`
}

function adviceFor(plan: Plan, field: Field | null, values: readonly unknown[]): string {
  const source = field === null ? undefined : plan.sources[field]
  const columns = source ? columnsOf(source) : []
  if (columns.length === 0) return 'correct the row or remove it'
  const cells = columns.map(column => values[column])
  if (cells.every(isEmpty)) return 'fill in the cell or remove the row'
  const held = cells.map(cell => shown(cell)).join(' and ')
  return cells.length === 1 ? `correct the cell, which holds ${held}` : `correct the cells, which hold ${held}`
}

function isEmpty(cell: unknown): boolean {
  return cell === null || cell === undefined || cell === ''
}

/** A cell as a message shows it; lists and objects as JSON. */
function shown(cell: unknown): string {
  if (cell instanceof Uint8Array) return `${cell.length} bytes, which are no text`
  const isNested = typeof cell === 'object' && cell !== null && !(cell instanceof Date)
  if (!isNested) return quoted(String(cell ?? ''))
  return `the ${Array.isArray(cell) ? 'list' : 'object'} ${quoted(JSON.stringify(cell))}`
}
