/** Value of a cell. Integers that may be large are bigints. */
export type SqlValue = string | number | bigint | boolean | null
/** Row of an answer, by column name. */
export type SqlRow = Record<string, SqlValue>

/** Range of arrival slots that a statement reads, by slot name. Both ends are included. */
export interface SlotSpan {
  first: string
  last: string
  /** Slots outside the range that it reads, too. */
  others?: readonly string[]
}

/** Answer to a statement. */
export interface QueryAnswer {
  rows: SqlRow[]
  /** Bytes that the engine reports as read, or an upper limit. */
  bytesScanned: number
}

/**
 * Query engine for SELECT statements over the archive, the table `landcover_archive`: Athena, Trino or DuckDB. Sums are
 * decimal(38,0) in the statements and bigint in the answer.
 */
export interface BatchQuery {
  /**
   * Runs a statement.
   *
   * @param slots slots that the statement's own conditions on `arrival_slot` allow. An engine that lists files itself
   *   reads no others.
   * @param lanes lanes that the statement's conditions on `lane` allow, if given. Each of their files is named after
   *   its lane, so the engine need not read files of other lanes.
   * @throws Error when the statement fails, also when a file disappeared while it was read
   */
  query(sql: string, slots: SlotSpan, lanes?: readonly string[]): Promise<QueryAnswer>
  close(): Promise<void>
}
