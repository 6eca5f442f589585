import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBDecimalValue, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import type { BatchQuery, SlotSpan, SqlValue } from '../../ports/batch-query.ts'

/** A slot's folder in the archive's, and the slot's name in it. */
const PARTITION_FOLDER = /^arrival_slot=(.+)$/

/**
 * Queries the archive as files of a folder.
 *
 * @param archiveFolder holds the folders `arrival_slot=…`
 * @param columns of the files, with types as Hive calls them, for where there are no files
 */
export async function openDuckDbBatchQuery(
  archiveFolder: string,
  columns: readonly { name: string; type: string }[],
): Promise<BatchQuery> {
  // By default DuckDB spills into the working folder, where two processes would write over each other's files.
  const spill = mkdtempSync(join(tmpdir(), 'landcover-duckdb-'))
  const settings = { threads: '2', memory_limit: '1GB', temp_directory: spill }
  const instance = await DuckDBInstance.create(':memory:', settings)
  return {
    async query(sql, slots, lanes) {
      const files = await filesOf(archiveFolder, slots, lanes)
      const bytesScanned = (await Promise.all(files.map(file => stat(file)))).reduce((sum, { size }) => sum + size, 0)
      // A connection of its own: a view of the same name may be in another statement's use.
      const connection = await instance.connect()
      try {
        await connection.run(`CREATE TEMP VIEW landcover_archive AS ${selectFrom(files, columns)}`)
        const answer = await connection.runAndReadAll(sql)
        const rows = answer
          .getRowObjects()
          .map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toSqlValue(name, value)])))
        return { rows, bytesScanned }
      } finally {
        connection.closeSync()
      }
    },
    async close() {
      instance.closeSync()
      rmSync(spill, { recursive: true, force: true })
    },
  }
}

/**
 * The Parquet files of some slots, and of some lanes or all: to let DuckDB list the whole archive takes a second for some
 * days of short slots, and it opens each file that it is told of.
 */
async function filesOf(
  archiveFolder: string,
  { first, last }: SlotSpan,
  lanes: readonly string[] | undefined,
): Promise<string[]> {
  const isWithin = (folder: string) => {
    const slot = PARTITION_FOLDER.exec(folder)?.[1]
    return slot !== undefined && first <= slot && slot <= last
  }
  const isMeant = (name: string) =>
    name.endsWith('.parquet') && (lanes?.some(lane => name.startsWith(`${lane}-`)) ?? true)
  const folders = (await existing(archiveFolder)).filter(isWithin).sort()
  const files: string[] = []
  for (const folder of folders) {
    for (const name of (await existing(join(archiveFolder, folder))).sort()) {
      if (isMeant(name)) files.push(join(archiveFolder, folder, name))
    }
  }
  return files
}

async function existing(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** The slot is in the folder's name. Other folders above it may look like partitions too, so it is cut out here. */
function selectFrom(files: readonly string[], columns: readonly { name: string; type: string }[]): string {
  if (files.length === 0) {
    const nulls = columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${name}`)
    return `SELECT ${nulls.join(', ')}, CAST(NULL AS VARCHAR) AS arrival_slot WHERE false`
  }
  // In brackets a character stands for itself, so that a name is no pattern.
  const literals = files.map(file => `'${file.replaceAll(/[[*?]/g, '[$&]').replaceAll("'", "''")}'`)
  return `SELECT * EXCLUDE (filename), regexp_extract(filename, '/arrival_slot=([^/]+)/[^/]+$', 1) AS arrival_slot
    FROM read_parquet([${literals.join()}], filename = true, hive_partitioning = false)`
}

function toSqlValue(column: string, value: DuckDBValue): SqlValue {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof DuckDBDecimalValue && value.scale === 0) return value.value
  throw new Error(`column ${column}: cast it to varchar, a number, bigint or decimal(38,0)`)
}
