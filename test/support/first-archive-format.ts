import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ARCHIVE_COLUMNS, type ArchivedEvent } from '../../functions/archive/parquet.ts'
import { writeParquet } from '../../functions/parquet/write.ts'

const NOTED = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/stored-forms.json'), 'utf8'))

/** Names of the columns of format 1 of archive files. */
const FIRST_COLUMNS = new Set((NOTED.archive[1] as string[]).map(column => column.split(' ')[0]))

/** Encodes an archive file of format 1, which stated no format and had no columns of a place. */
export function encodeFirstFormat(events: readonly ArchivedEvent[], file: string): Uint8Array {
  return writeParquet(
    ARCHIVE_COLUMNS.filter(({ name }) => FIRST_COLUMNS.has(name)),
    events.map(event => ({ ...event, file })),
  )
}
