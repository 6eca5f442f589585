export type SqlValue = string | number | bigint | boolean | null
export type SqlRow = Record<string, SqlValue>

/**
 * Runs SELECT statements over the archive, the table `landcover_archive`: Athena, Trino or DuckDB. Sums are
 * decimal(38,0) in the statements and bigint in the answer.
 */
export interface BatchQuery {
  query(sql: string): Promise<SqlRow[]>
  close(): Promise<void>
}
