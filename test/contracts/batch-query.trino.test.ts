import { afterAll, beforeAll } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openTrinoBatchQuery } from '../../functions/adapters/sql/trino-batch-query.ts'
import { describeWithTrino, startTrino, TRINO_START_TIMEOUT_MS, type Trino } from '../engines/trino.ts'
import { describeBatchQuery } from './batch-query.ts'

describeWithTrino('on Trino', () => {
  let trino: Trino
  beforeAll(async () => {
    trino = await startTrino()
  }, TRINO_START_TIMEOUT_MS)
  afterAll(async () => {
    await trino?.stop()
  })

  describeBatchQuery('Trino', async () => {
    const { connection, folder } = await trino.freshArchive()
    const query = openTrinoBatchQuery(connection)
    return { query, objects: openFolderObjectStore(folder), close: () => query.close() }
  })
})
