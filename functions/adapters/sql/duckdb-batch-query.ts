import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBDecimalValue, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import type { BatchQuery, SlotSpan, SqlValue } from '../../ports/batch-query.ts'

/** Name form of a slot's folder in the archive, with the slot's name. */
const PARTITION_FOLDER = /^arrival_slot=(.+)$/

/**
 * Query engine on DuckDB, which reads the archive as files in a folder.
 *
 * @param archiveFolder folder with the folders `arrival_slot=…`
 * @param columns columns of the files with Hive types, for an archive without files
 */
export async function openDuckDbBatchQuery(
  archiveFolder: string,
  columns: readonly { name: string; type: string }[],
): Promise<BatchQuery> {
  // By default DuckDB writes temporary files to the working folder, where two processes would overwrite each other's
  // files.
  const spill = mkdtempSync(join(tmpdir(), 'landcover-duckdb-'))
  const settings = { threads: '2', memory_limit: '1GB', temp_directory: spill }
  const instance = await DuckDBInstance.create(':memory:', settings)
  return {
    async query(sql, slots, lanes) {
      const files = await filesOf(archiveFolder, slots, lanes)
      const bytesScanned = (await Promise.all(files.map(file => stat(file)))).reduce((sum, { size }) => sum + size, 0)
      // A separate connection: another statement may use a view of the same name.
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
 * Lists the Parquet files of some slots, for some lanes or all. If DuckDB listed the whole archive itself, it would
 * need a second for a few days of short slots, and it opens each file of its list.
 */
async function filesOf(
  archiveFolder: string,
  { first, last, others = [] }: SlotSpan,
  lanes: readonly string[] | undefined,
): Promise<string[]> {
  const isWithin = (folder: string) => {
    const slot = PARTITION_FOLDER.exec(folder)?.[1]
    return slot !== undefined && ((first <= slot && slot <= last) || others.includes(slot))
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

/**
 * SQL expression for the slot, taken from the folder's name. It is extracted here because other folders above may look
 * like partitions, too.
 */
function selectFrom(files: readonly string[], columns: readonly { name: string; type: string }[]): string {
  const nulls = columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${name}`)
  const noRows = `SELECT ${nulls.join(', ')}, CAST(NULL AS VARCHAR) AS arrival_slot WHERE false`
  if (files.length === 0) return noRows
  // A character in brackets has no special meaning, so a name is not read as a pattern.
  const literals = files.map(file => `'${file.replaceAll(/[[*?]/g, '[$&]').replaceAll("'", "''")}'`)
  // Files of an earlier format lack columns: these are null, also where no file has them.
  return `${noRows} UNION ALL BY NAME
    SELECT * EXCLUDE (filename), regexp_extract(filename, '/arrival_slot=([^/]+)/[^/]+$', 1) AS arrival_slot
    FROM read_parquet([${literals.join()}], filename = true, hive_partitioning = false, union_by_name = true)`
}

function toSqlValue(column: string, value: DuckDBValue): SqlValue {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof DuckDBDecimalValue && value.scale === 0) return value.value
  throw new Error(`column ${column}: cast it to varchar, a number, bigint or decimal(38,0)`)
}
