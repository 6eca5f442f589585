import { START } from '../core/lane.ts'
import type { Checkpoints } from '../ports/checkpoints.ts'
import { openDatabase } from './sqlite.ts'

export function openSqliteCheckpoints(file: string): Checkpoints {
  const database = openDatabase(file, 'process-crash')
  database.exec(`
    CREATE TABLE IF NOT EXISTS checkpoint (
      consumer TEXT NOT NULL,
      lane TEXT NOT NULL,
      position TEXT NOT NULL,
      PRIMARY KEY (consumer, lane)
    ) WITHOUT ROWID`)
  const select = database.prepare('SELECT position FROM checkpoint WHERE consumer = ? AND lane = ?')
  const upsert = database.prepare('INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)')
  return {
    async read(consumer, lane) {
      const row = select.get(consumer, lane) as { position: string } | undefined
      return row?.position ?? START
    },
    async write(consumer, lane, position) {
      upsert.run(consumer, lane, position)
    },
    async close() {
      database.close()
    },
  }
}
