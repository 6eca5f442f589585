import { importEvents, laneOfImport } from '../archive/imports.ts'
import type { ClassList } from '../core/classes.ts'
import type { ImageEvent } from '../core/event.ts'
import type { RejectionReason } from '../core/record.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { classNames } from './class-names.ts'
import type { Mapping } from './mapping.ts'
import { readSource } from './read-events.ts'
import { type ReadReport, type RowProblem, type RowRead, SILENT, SourceError } from './rows.ts'
import { nameOfContent, type Source, stateOfFiles } from './sources.ts'

/** Ports and settings of an import of people's files. */
export interface BulkImport {
  objects: ObjectStore
  slotMs: number
  /** Classes count as always known: imported events arrived before all slots. */
  classes: ClassList
  mapping?: Mapping
  /** Gives rows that have no time the time of the import. */
  timeIsNow?: boolean
  /** Its images count instead of equal ones of other imports. */
  isReplacing?: boolean
  now(): number
  /** @param share of the table with these rows that was read, 0 to 1; NaN where it is not known */
  onRows?(count: number, share: number): void
  onRejected(reason: RejectionReason, problem: RowProblem): void
  report?: ReadReport
}

/** Outcome of importing one source. */
export interface Imported {
  /** Place of the events in the archive. */
  lane: string
  /** Null when a source with the same bytes was imported before. Then nothing has changed. */
  events: number | null
  /** Rows without NDVI, which the mapping allows. */
  withoutNdvi: number
}

/**
 * Imports the valid rows of a source, and reports the others. A source without a valid row can be imported later.
 *
 * @throws SourceError when it cannot be read to its end, or changes meanwhile; then nothing of it is imported
 */
export async function importSource(bulk: BulkImport, source: Source): Promise<Imported> {
  const { objects, slotMs, mapping = {}, timeIsNow = false, isReplacing = false, report = SILENT } = bulk
  const state = await stateOfFiles(source)
  const name = await nameOfContent(source, mapping)
  const importedMs = bulk.now()
  const names = [...bulk.classes.keys()]
  const spelling = classNames(names, mapping.classes)
  let withoutNdvi = 0

  function eventOf(read: RowRead): ImageEvent | null {
    if ('noMeasurement' in read) withoutNdvi += 1
    if ('problem' in read) bulk.onRejected('invalid-event', read.problem)
    if (!('decoded' in read)) return null
    const { file, row, decoded } = read
    if (bulk.classes.has(decoded.className)) return decoded
    const message = spelling.refusal(decoded.className)
    bulk.onRejected('unknown-class', { file, row, column: 'class_name', message })
    return null
  }

  async function* events(): AsyncGenerator<(ImageEvent | null)[]> {
    let count = 0
    let read = Number.NaN
    const onShare = (share: number) => {
      read = share
    }
    const reading = { now: () => importedMs, mapping, timeIsNow, classes: names, report, onShare }
    for await (const rows of readSource(source, reading)) {
      count += rows.length
      bulk.onRows?.(count, read)
      yield rows.map(eventOf)
    }
    if ((await stateOfFiles(source)) !== state) {
      throw new SourceError(`${source.path} changed while it was read: import it again when it is complete`)
    }
  }

  const imported = await importEvents(objects, slotMs, name, events(), importedMs, { isReplacing, source: source.name })
  return { lane: laneOfImport(name, isReplacing), events: imported, withoutNdvi }
}
