import { formatOf } from '../parquet/format.ts'
import { readParquet } from '../parquet/read.ts'
import { ARCHIVE_FORMAT } from './parquet.ts'

/** The rows of an archive file. @throws Error when it is of a format to come */
export async function readArchiveFile(key: string, bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const format = formatOf(bytes)
  if (format <= ARCHIVE_FORMAT) return readParquet(bytes)
  throw new Error(
    `the archive file ${key} has format ${format}, this landcover reads 1 to ${ARCHIVE_FORMAT}: run the landcover that wrote it. Nothing was changed`,
  )
}
