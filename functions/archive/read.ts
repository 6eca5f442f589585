import { formatOf } from '../parquet/format.ts'
import { readParquet } from '../parquet/read.ts'
import { ARCHIVE_COLUMNS, ARCHIVE_FORMAT } from './parquet.ts'

/** Row with every column, in which all values are null. */
const EMPTY_ROW = Object.fromEntries(ARCHIVE_COLUMNS.map(({ name }) => [name, null]))

/**
 * Rows of an archive file. A column that its format does not have yet is null. @throws Error when its format is newer
 */
export async function readArchiveFile(key: string, bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const format = formatOf(bytes)
  if (format <= ARCHIVE_FORMAT) return (await readParquet(bytes)).map(row => ({ ...EMPTY_ROW, ...row }))
  throw new Error(
    `the archive file ${key} has format ${format}, this landcover reads 1 to ${ARCHIVE_FORMAT}: run the landcover that wrote it. Nothing was changed`,
  )
}
