import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteCheckpoints } from '../../functions/adapters/sqlite/checkpoints.ts'
import { describeCheckpoints } from './checkpoints.ts'

describeCheckpoints('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'landcover-checkpoints-'))
  const file = join(folder, 'checkpoints.sqlite')
  let checkpoints = openSqliteCheckpoints(file)
  return {
    checkpoints,
    async reopen() {
      await checkpoints.close()
      checkpoints = openSqliteCheckpoints(file)
      return checkpoints
    },
    async close() {
      await checkpoints.close()
      await rm(folder, { recursive: true })
    },
  }
})
