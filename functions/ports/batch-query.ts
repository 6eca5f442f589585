export type SqlValue = string | number | bigint | boolean | null
export type SqlRow = Record<string, SqlValue>

/** The arrival slots that a statement reads, by their names, both included. */
export interface SlotSpan {
  first: string
  last: string
}

export interface QueryAnswer {
  rows: SqlRow[]
  /** What the engine says, or at most can, have read, in bytes. */
  bytesScanned: number
}

/**
 * Runs SELECT statements over the archive, the table `landcover_archive`: Athena, Trino or DuckDB. Sums are
 * decimal(38,0) in the statements and bigint in the answer.
 */
export interface BatchQuery {
  /**
   * @param slots what the statement's own conditions on `arrival_slot` allow: an engine that lists files itself looks
   *   at no others
   * @param lanes where they are given, those that the statement's conditions on `lane` allow, and each of their files
   *   is named after its lane: nor need it look at those of others
   * @throws Error when the statement fails, also where a file vanished while it was read
   */
  query(sql: string, slots: SlotSpan, lanes?: readonly string[]): Promise<QueryAnswer>
  close(): Promise<void>
}
