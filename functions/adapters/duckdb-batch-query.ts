import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBDecimalValue, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import type { BatchQuery, SqlValue } from '../ports/batch-query.ts'

/** Queries the archive as files of a folder. @param archiveFolder holds the folders `arrival_slot=…` */
export async function openDuckDbBatchQuery(archiveFolder: string): Promise<BatchQuery> {
  // By default DuckDB spills into the working folder, where two processes would write over each other's files.
  const spill = mkdtempSync(join(tmpdir(), 'landcover-duckdb-'))
  const settings = { threads: '2', memory_limit: '1GB', temp_directory: spill }
  const instance = await DuckDBInstance.create(':memory:', settings)
  const connection = await instance.connect()
  // In brackets a character stands for itself, so that a folder's own name is no pattern.
  const literalFolder = archiveFolder.replaceAll(/[[*?]/g, '[$&]')
  const files = `${literalFolder}/*/*.parquet`.replaceAll("'", "''")
  return {
    async query(sql) {
      await connection.run(`
        CREATE OR REPLACE TEMP VIEW landcover_archive AS
        SELECT * FROM read_parquet('${files}', hive_partitioning = true, hive_types = {'arrival_slot': VARCHAR})`)
      const rows = await connection.runAndReadAll(sql)
      return rows
        .getRowObjects()
        .map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toSqlValue(name, value)])))
    },
    async close() {
      connection.closeSync()
      instance.closeSync()
      rmSync(spill, { recursive: true, force: true })
    },
  }
}

function toSqlValue(column: string, value: DuckDBValue): SqlValue {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof DuckDBDecimalValue && value.scale === 0) return value.value
  throw new Error(`column ${column}: cast it to varchar, a number, bigint or decimal(38,0)`)
}
