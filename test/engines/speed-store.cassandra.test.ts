import { afterAll, beforeAll } from 'vitest'
import { openCassandraSpeedStore } from '../../functions/adapters/cassandra/speed-store.ts'
import { describeSpeedStore } from '../contracts/speed-store.ts'
import { type Cassandra, LOCAL_DATA_CENTER, startCassandra } from './cassandra.ts'
import { describeWithJava } from './java.ts'

const START_TIMEOUT_MS = 600_000

describeWithJava('on a Cassandra node', () => {
  let server: Cassandra
  beforeAll(async () => {
    server = await startCassandra()
  }, START_TIMEOUT_MS)
  afterAll(async () => {
    await server?.stop()
  })

  describeSpeedStore('Cassandra', async () => {
    const options = {
      contactPoints: [server.contactPoint],
      localDataCenter: LOCAL_DATA_CENTER,
      keyspace: 'landcover',
    }
    const store = await openCassandraSpeedStore({ ...options, createSchema: true })
    return { store, reopen: () => openCassandraSpeedStore(options), close: () => store.close() }
  })
})
