import type { BatchLayer, BatchRun } from '../batch/run.ts'
import type { ViewReader } from '../batch/view-reader.ts'
import type { ClassList } from '../core/classes.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { SpeedStore } from '../ports/speed-store.ts'
import type { SpeedLayer } from '../speed/apply.ts'

/**
 * A place where the system runs: one machine, or a stage on AWS. Commands work on either. Endpoints are reached when they
 * are first needed: each `open…` opens its resource at the first call, and gives the same one afterwards.
 */
export interface Runtime {
  /** Length of arrival slots. */
  slotMs: number
  objects: ObjectStore
  views: ViewReader
  /** Class list, at most a minute old. */
  classes(): Promise<ClassList>
  /** @throws Error in one line when the log cannot be reached or used */
  openLog(): Promise<EventLog>
  /** @throws Error in one line when the store cannot be reached or used */
  openStore(): Promise<SpeedStore>
  /** Speed layer without rules and alerts, for applying records that were lost. */
  openSpeedLayer(): Promise<SpeedLayer>
  openBatch(): Promise<BatchLayer>
  /** Runs the batch layer once. The API tells how the run ended. */
  runBatch(options?: { trustSpeed: boolean }): Promise<BatchRun>
  /** Closes what was opened. */
  close(): Promise<void>
}
