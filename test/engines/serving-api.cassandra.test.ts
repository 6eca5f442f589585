import { afterAll, beforeAll } from 'vitest'
import { openCassandraSpeedStore } from '../../functions/adapters/cassandra/speed-store.ts'
import { describeServingApi } from '../contracts/serving-api.ts'
import { type Cassandra, LOCAL_DATA_CENTER, startCassandra } from './cassandra.ts'
import { describeWithJava } from './java.ts'

describeWithJava('on a Cassandra node', () => {
  let server: Cassandra
  let keyspaces = 0
  beforeAll(async () => {
    server = await startCassandra()
  })
  afterAll(async () => {
    await server?.stop()
  })

  describeServingApi('Cassandra', () =>
    openCassandraSpeedStore({
      contactPoints: [server.contactPoint],
      localDataCenter: LOCAL_DATA_CENTER,
      keyspace: `api_${++keyspaces}`,
      createSchema: true,
    }),
  )
})
