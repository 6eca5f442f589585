import { afterAll, beforeAll } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openAthenaBatchQuery } from '../../functions/adapters/sql/athena-batch-query.ts'
import { ATHENA_REGION, type AthenaServer, executeOnTrino, startAthenaServer } from '../engines/athena-server.ts'
import { describeWithTrino, startTrino, TRINO_START_TIMEOUT_MS, type Trino } from '../engines/trino.ts'
import { describeBatchQuery } from './batch-query.ts'

describeWithTrino('on Athena, with Trino as a stand-in', () => {
  let trino: Trino
  let athena: AthenaServer
  beforeAll(async () => {
    trino = await startTrino()
    athena = await startAthenaServer(executeOnTrino(trino))
  }, TRINO_START_TIMEOUT_MS)
  afterAll(async () => {
    await athena?.close()
    await trino?.stop()
  })

  describeBatchQuery('Athena', async () => {
    const { connection, folder } = await trino.freshArchive()
    const query = openAthenaBatchQuery({
      workGroup: 'landcover',
      database: connection.schema,
      endpoint: athena.endpoint,
      region: ATHENA_REGION,
    })
    return { query, objects: openFolderObjectStore(folder), close: () => query.close() }
  })
})
