import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { describeEventLog } from './event-log.ts'

describeEventLog('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'landcover-event-log-'))
  const file = join(folder, 'log.sqlite')
  let log = openSqliteEventLog({ file, shards: 3 })
  return {
    log,
    async reopen() {
      await log.close()
      log = openSqliteEventLog({ file })
      return log
    },
    async close() {
      await log.close()
      await rm(folder, { recursive: true })
    },
  }
})
