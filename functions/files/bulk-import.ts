import { importEvents, laneOfImport } from '../archive/imports.ts'
import type { ClassList } from '../core/classes.ts'
import { decodeEvent, type ImageEvent } from '../core/event.ts'
import type { RejectionReason } from '../core/record.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { quoted, type RowProblem, SourceError } from './rows.ts'
import { nameOfContent, readSource, type Source, stateOfFiles } from './sources.ts'

export interface BulkImport {
  objects: ObjectStore
  slotMs: number
  /** Known since whenever: what is imported arrived before all slots. */
  classes: ClassList
  now(): number
  onRow?(row: number): void
  onRejected(reason: RejectionReason, problem: RowProblem): void
}

export interface Imported {
  /** Where the events stand in the archive. */
  lane: string
  /** Null when a source with the same bytes was imported before: nothing has changed. */
  events: number | null
}

/**
 * Imports the good rows of a source, and tells of the others. A source of which none is good can be imported later.
 *
 * @throws SourceError when it cannot be read to its end, or changes meanwhile; then nothing of it is imported
 */
export async function importSource(bulk: BulkImport, source: Source): Promise<Imported> {
  const state = await stateOfFiles(source)
  const name = await nameOfContent(source)
  const importedMs = bulk.now()

  async function* events(): AsyncGenerator<ImageEvent | null> {
    let row = 0
    for await (const read of readSource(source, { now: () => importedMs })) {
      bulk.onRow?.(++row)
      if ('problem' in read) {
        bulk.onRejected('invalid-event', read.problem)
        yield null
      } else if (bulk.classes.has(read.event.class_name)) {
        yield decodeEvent(read.event, importedMs)
      } else {
        bulk.onRejected('unknown-class', unknownClass(read))
        yield null
      }
    }
    if ((await stateOfFiles(source)) !== state) {
      throw new SourceError(`${source.path} was written to while it was read: import it again when it is whole`)
    }
  }

  const { objects, slotMs } = bulk
  return { lane: laneOfImport(name), events: await importEvents(objects, slotMs, name, events(), importedMs) }
}

function unknownClass({ file, row, event }: { file: string; row: number; event: { class_name: string } }): RowProblem {
  const message = `${quoted(event.class_name)} is not one of the known classes: npm start -- --classes FILE.csv adds some`
  return { file, row, column: 'class_name', message }
}
