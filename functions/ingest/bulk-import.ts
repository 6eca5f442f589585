import { importEvents } from '../batch/imports.ts'
import type { ClassList } from '../core/classes.ts'
import { decodeEvent, type ImageEvent } from '../core/event.ts'
import type { RejectionReason } from '../core/record.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { quoted, type RowProblem, SourceError } from './rows.ts'
import { nameOfContent, readSource, type Source, stateOfFiles } from './sources.ts'

export interface BulkImport {
  objects: ObjectStore
  slotMs: number
  /** Those of all time count: what is imported has arrived before any slot. */
  classes: ClassList
  now(): number
}
