import { DuckDBInstance } from '@duckdb/node-api'

/** Writes the result of a query to a Parquet file with DuckDB. @param options more options of COPY */
export async function copyToParquet(query: string, file: string, ...options: string[]): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    await connection.run(`COPY (${query}) TO '${file}' (${['FORMAT parquet', ...options].join(', ')})`)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
  return file
}
