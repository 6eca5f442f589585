import type { CassandraSpeedStoreOptions } from '../../adapters/cassandra/speed-store.ts'
import { TABLES } from '../../adapters/row-encoding/tables.ts'
import { openSqliteSpeedStore } from '../../adapters/sqlite/speed-store.ts'
import type { SpeedStore } from '../../ports/speed-store.ts'
import type { Environment } from '../config/environment.ts'
import type { CassandraAddress, StoreAddress } from '../config/store-address.ts'

/** Speed store, with what a runtime needs to know about it. */
export interface OpenedStore {
  store: SpeedStore
  /** Removes old rows, if the store does not do this itself: see openSqliteSpeedStore. */
  expire?(before: number): Promise<void>
}

/** Instruction for emptying the store when its rows are not needed. */
export function describeEmptying(address: StoreAddress): string {
  if (address.kind === 'embedded') return `move ${address.file} away`
  return TABLES.map(({ name }) => `TRUNCATE ${address.keyspace}.${name};`).join(' ')
}

/**
 * Opens the store, and creates its keyspace and tables if they are missing.
 *
 * @throws Error in one line that says what to do when the store cannot be reached or used
 */
export async function openStore(address: StoreAddress, environment: Environment): Promise<OpenedStore> {
  if (address.kind === 'embedded') {
    const store = openSqliteSpeedStore(address.file)
    return { store, expire: store.expire }
  }
  const { openCassandraSpeedStore } = await import('../../adapters/cassandra/speed-store.ts')
  return { store: await openCassandraSpeedStore({ ...connectionOf(address, environment), createSchema: true }) }
}

/** Options of the adapter for a Cassandra cluster. */
export function connectionOf(
  { contactPoints, keyspace }: CassandraAddress,
  { cassandra }: Pick<Environment, 'cassandra'>,
): CassandraSpeedStoreOptions {
  const { dataCenter: localDataCenter, ...security } = cassandra
  return { contactPoints, keyspace, localDataCenter, ...security }
}
