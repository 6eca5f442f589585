import { formatOf } from '../parquet/format.ts'
import { readParquet } from '../parquet/read.ts'
import { ARCHIVE_COLUMNS, ARCHIVE_FORMAT } from './parquet.ts'

/** A row in which nothing is known, with every column. */
const EMPTY_ROW = Object.fromEntries(ARCHIVE_COLUMNS.map(({ name }) => [name, null]))

/** The rows of an archive file. A column that its format does not have yet is null. @throws Error when it is of a format to come */
export async function readArchiveFile(key: string, bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const format = formatOf(bytes)
  if (format <= ARCHIVE_FORMAT) return (await readParquet(bytes)).map(row => ({ ...EMPTY_ROW, ...row }))
  throw new Error(
    `the archive file ${key} has format ${format}, this landcover reads 1 to ${ARCHIVE_FORMAT}: run the landcover that wrote it. Nothing was changed`,
  )
}
