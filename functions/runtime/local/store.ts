import type { CassandraSpeedStoreOptions } from '../../adapters/cassandra/speed-store.ts'
import { TABLES } from '../../adapters/cassandra/tables.ts'
import { openSqliteSpeedStore } from '../../adapters/sqlite/speed-store.ts'
import type { SpeedStore } from '../../ports/speed-store.ts'
import type { Environment } from '../config/environment.ts'
import type { CassandraAddress, StoreAddress } from '../config/store-address.ts'

/** A speed store with what its runtime must know of it. */
export interface OpenedStore {
  store: SpeedStore
  /** Drops old rows, where the store does not do so by itself: see openSqliteSpeedStore. */
  expire?(before: number): Promise<void>
}

/** How to empty the store, where nobody needs its rows. */
export function describeEmptying(address: StoreAddress): string {
  if (address.kind === 'embedded') return `move ${address.file} away`
  return TABLES.map(({ name }) => `TRUNCATE ${address.keyspace}.${name};`).join(' ')
}

/**
 * Opens the store, and makes its keyspace and tables where they are missing.
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

/** What the adapter must know of a Cassandra cluster. */
export function connectionOf(
  { contactPoints, keyspace }: CassandraAddress,
  { cassandra }: Pick<Environment, 'cassandra'>,
): CassandraSpeedStoreOptions {
  const { dataCenter: localDataCenter, ...security } = cassandra
  return { contactPoints, keyspace, localDataCenter, ...security }
}
