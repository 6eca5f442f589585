import { classNames } from './class-names.ts'
import { decimalsOf } from './decimal-columns.ts'
import { joinedTable } from './joined-files.ts'
import type { Mapping } from './mapping.ts'
import { openTables } from './open-tables.ts'
import { withPathColumns } from './path-columns.ts'
import { FRACTION_FIELDS, isPercent } from './percent.ts'
import { quantitiesOf } from './quantity.ts'
import { columnsOf, type Plan, recognize } from './recognition.ts'
import { rowReader } from './row-to-event.ts'
import { type Field, type ReadReport, type RowRead, SILENT, SourceError } from './rows.ts'
import type { Source } from './sources.ts'
import type { Table, TableRow } from './table.ts'
import { unpivot } from './wide.ts'

/** Options of reading events from a file. */
export interface ReadOptions {
  /** The time of reading, in ms since the epoch: an event may not lie after it. */
  now(): number
  mapping?: Mapping
  /** Gives rows that have no time the time of reading. Without it such files are refused. */
  timeIsNow?: boolean
  /** Names of known classes, by which a file's names are recognised. */
  classes?: Iterable<string>
  report?: ReadReport
  /**
   * Called with the share of a table that was read, 0 to 1, before its rows are given; NaN where it is not known.
   */
  onShare?(share: number): void
  /** Called for each table with the mapping by which it is read. */
  onMapping?(mapping: Mapping): void
}

/**
 * Reads the rows of a source, some at once: its tables one after the other, each with what its columns mean chosen by
 * `recognize`.
 *
 * @throws SourceError as soon as it cannot be read further; rows before that have been given by then. At the end of a
 *   table when its NDVI is in another scale
 */
export async function* readSource(source: Source, options: ReadOptions): AsyncGenerator<RowRead[]> {
  const { mapping = {}, report = SILENT, timeIsNow = false } = options
  const classes = classNames(options.classes, mapping.classes)
  for await (const opened of tablesOf(source, mapping)) {
    for (const note of opened.notes) report.note(note)
    if (opened.columns.length === 0) throw new SourceError(`${opened.file} holds no rows`)
    const table = unpivot(withPathColumns(opened, source.pathColumns), mapping, new Set(options.classes), report)
    const plan = await recognize(table, mapping, timeIsNow, report)
    options.onMapping?.(plan.mapping)
    const quantities = quantitiesOf(table, plan, mapping.columns?.ndvi_mean !== undefined)
    let reader: ReturnType<typeof rowReader> | undefined
    for await (const rows of table.rows(usedColumns(plan, quantities.columns))) {
      quantities.refuseOthers(rows)
      if (!reader) {
        const { decimalOf, isFoundComma } = decimalsOf(rows, plan, mapping)
        if (isFoundComma) report.note(`${table.file}: numbers have a decimal comma`)
        const percents = percentsIn(table, rows, plan, mapping, decimalOf, report)
        const context = { now: options.now, timeIsNow, classes, decimalOf, percents, report }
        reader = rowReader(table, plan, mapping, context)
      }
      options.onShare?.(table.share?.() ?? Number.NaN)
      yield rows.map(reader.read)
    }
    for (const note of table.lateNotes ?? []) report.note(note)
    if (reader) reader.refuseOtherScale()
    else report.note(`${table.file} has columns, but no rows`)
  }
}

/** Reads the events of sources, row by row. @throws SourceError as above */
export async function* readEvents(sources: readonly Source[], options: ReadOptions): AsyncGenerator<RowRead> {
  for (const source of sources) {
    for await (const rows of readSource(source, options)) yield* rows
  }
}

async function* tablesOf(source: Source, mapping: Mapping): AsyncGenerator<Table> {
  if (source.files.length > 1) yield await joinedTable(source.path, mapping)
  else yield* openTables(source.files[0] as string, mapping, source.name)
}

function usedColumns({ sources }: Plan, others: readonly number[]): number[] {
  return [...new Set([...Object.values(sources).flatMap(columnsOf), ...others])].sort((a, b) => a - b)
}

/** Fields from 0 to 1 whose column is in percent, by the first rows. A field that the mapping scales is none of them. */
function percentsIn(
  { columns }: Table,
  rows: readonly TableRow[],
  { sources }: Plan,
  { scale }: Mapping,
  decimalOf: (field: Field) => '.' | ',',
  report: ReadReport,
): Set<Field> {
  const percents = FRACTION_FIELDS.filter(field => {
    const source = sources[field]
    if (!source || !('column' in source) || scale?.[field] !== undefined) return false
    const cells = rows.flatMap(row => ('values' in row ? [row.values[source.column]] : []))
    return isPercent(field, columns[source.column] as string, cells, decimalOf(field), report)
  })
  return new Set(percents)
}
