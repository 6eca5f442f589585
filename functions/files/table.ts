import type { RowProblem } from './rows.ts'

/** A row of a table: its values in the order of the table's columns, or why there are none. */
export type TableRow =
  | { row: number; values: readonly unknown[] }
  /** Defect of the row (a text that follows "the row") or of a column (a sentence). */
  | { row: number; defect: string; column?: string }
  /** A row of another file that this table is joined with. */
  | { problem: RowProblem }

/** Table of a file, before the meaning of its columns is known. */
export interface Table {
  /** Name in messages: the file's name, and the place in the file if it holds several tables. */
  file: string
  columns: readonly string[]
  /** Indexes of the columns whose type says that they hold times, where the form has types. */
  timeColumns?: readonly number[]
  /**
   * Rows in order, some at once; to be called once.
   *
   * @param used indexes of the columns that are needed: the values of others may be missing
   * @throws SourceError as soon as no more can be read
   */
  rows(used: readonly number[]): AsyncGenerator<readonly TableRow[]>
  /** Share of it that was read, 0 to 1: of the bytes of its file, or of its rows. */
  share?(): number
  /** Assumptions that were needed to read the file, one sentence each. */
  notes: readonly string[]
  /** Notes that were added while the rows were read; complete at their end. */
  lateNotes?: readonly string[]
  /** Name of a preset that the file's form implies. */
  format?: string
  /** Factor that the file itself states for its NDVI. */
  ndviScale?: number
}
