import { START } from '../../core/lane.ts'
import type { Checkpoints } from '../../ports/checkpoints.ts'
import { openDatabase, whenFree } from './database.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS checkpoint (
    consumer TEXT NOT NULL,
    lane TEXT NOT NULL,
    position TEXT NOT NULL,
    PRIMARY KEY (consumer, lane)
  ) WITHOUT ROWID;
`

export function openSqliteCheckpoints(file: string): Checkpoints {
  const database = openDatabase({ file, durability: 'process-crash', define: opened => opened.exec(SCHEMA) })
  const select = database.prepare('SELECT position FROM checkpoint WHERE consumer = ? AND lane = ?')
  const upsert = database.prepare('INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)')
  return {
    async read(consumer, lane) {
      const row = (await whenFree(database, () => select.get(consumer, lane))) as { position: string } | undefined
      return row?.position ?? START
    },
    async write(consumer, lane, position) {
      await whenFree(database, () => upsert.run(consumer, lane, position))
    },
    async close() {
      database.close()
    },
  }
}
