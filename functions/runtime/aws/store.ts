import { type CassandraSpeedStoreOptions, openCassandraSpeedStore } from '../../adapters/cassandra/speed-store.ts'
import type { SpeedStore } from '../../ports/speed-store.ts'
import { DEFAULT_DATA_CENTER, parseStageStoreAddress } from '../config/store-address.ts'
import { ensureCompatibleStore } from '../store-compatibility.ts'
import { variable } from './variables.ts'

const KEYSPACES_PORT = 9142

/**
 * Opens the speed store of the stage. The stack creates its tables.
 *
 * @throws SpeedStoreUnavailableError when it cannot be reached, or its tables do not exist yet
 * @throws Error when its content has another format than this code's, or slots of another length
 */
export async function openStore(slotMs: number): Promise<SpeedStore> {
  const address = variable('LANDCOVER_STORE')
  const store = await openCassandraSpeedStore(optionsOf(address))
  await ensureCompatibleStore(store, {
    name: address,
    slotMs,
    // The stage's name: its functions and tables have it too.
    systemId: `landcover-${variable('LANDCOVER_STAGE')}`,
    emptying: 'delete its tables, and deploy the stage: it makes them again',
  }).catch(async error => {
    await store.close()
    throw error
  })
  return store
}

function optionsOf(text: string): CassandraSpeedStoreOptions {
  const address = parseStageStoreAddress(text)
  const { keyspace } = address
  if (address.kind === 'cassandra') {
    const { contactPoints } = address
    return { contactPoints, keyspace, localDataCenter: DEFAULT_DATA_CENTER, createSchema: true }
  }
  const region = process.env.AWS_REGION as string
  const endpoint = `cassandra.${region}.amazonaws.com`
  return {
    contactPoints: [`${endpoint}:${KEYSPACES_PORT}`],
    keyspace,
    localDataCenter: region,
    tls: { serverName: endpoint },
    keyspaces: { region },
  }
}
