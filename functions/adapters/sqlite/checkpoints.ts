import type { DatabaseSync } from 'node:sqlite'
import { START } from '../../core/lane.ts'
import type { Checkpoints } from '../../ports/checkpoints.ts'
import { openConnection } from './connection.ts'
import { formatOf } from './database.ts'

/** Format of the checkpoints, in their own file or in the file of the speed store. */
export const CHECKPOINTS_FORMAT = 1

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS checkpoint (
    consumer TEXT NOT NULL,
    lane TEXT NOT NULL,
    position TEXT NOT NULL,
    PRIMARY KEY (consumer, lane)
  ) WITHOUT ROWID;
`

/** Opens the checkpoints in a SQLite file. @throws Error when the format is newer than this version knows */
export function openSqliteCheckpoints(file: string): Checkpoints {
  const define = (opened: DatabaseSync) => {
    formatOf(opened, { name: 'the checkpoints in', file, format: CHECKPOINTS_FORMAT })
    opened.exec(SCHEMA)
  }
  const connection = openConnection({ file, durability: 'process-crash', define }, database => ({
    select: database.prepare('SELECT position FROM checkpoint WHERE consumer = ? AND lane = ?'),
    upsert: database.prepare('INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)'),
  }))
  return {
    async read(consumer, lane) {
      const row = (await connection.run(sql => sql.select.get(consumer, lane))) as { position: string } | undefined
      return row?.position ?? START
    },
    async write(consumer, lane, position) {
      await connection.run(sql => sql.upsert.run(consumer, lane, position))
    },
    async close() {
      connection.close()
    },
  }
}
