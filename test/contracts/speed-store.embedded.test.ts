import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteSpeedStore } from '../../functions/adapters/sqlite/speed-store.ts'
import { describeSpeedStore } from './speed-store.ts'

describeSpeedStore('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'landcover-speed-store-'))
  const file = join(folder, 'landcover.sqlite')
  const store = openSqliteSpeedStore(file)
  return {
    store,
    reopen: async () => openSqliteSpeedStore(file),
    async close() {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
})
