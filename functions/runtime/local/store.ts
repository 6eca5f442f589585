import type { CassandraSpeedStoreOptions } from '../../adapters/cassandra/speed-store.ts'
import { TABLES } from '../../adapters/cassandra/tables.ts'
import { openSqliteSpeedStore } from '../../adapters/sqlite/speed-store.ts'
import type { SpeedStore } from '../../ports/speed-store.ts'
import { parseAddress } from '../config/address.ts'
import type { Environment } from '../config/environment.ts'

/** Which speed store is meant. */
export type StoreAddress =
  | { kind: 'embedded'; file: string }
  | { kind: 'cassandra'; contactPoints: string[]; keyspace: string }

/** A speed store with what its home must know of it. */
export interface OpenedStore {
  store: SpeedStore
  /** Drops old rows, where the store does not do so by itself: see openSqliteSpeedStore. */
  expire?(before: number): Promise<void>
}

const DEFAULT_KEYSPACE = 'landcover'

const FORM = { shape: 'cassandra://HOST:PORT/KEYSPACE', variables: 'LANDCOVER_CASSANDRA_' }

/** @throws Error that says what is accepted */
export function parseStoreAddress(text: string): StoreAddress {
  const { scheme, hosts, name } = parseAddress(text, FORM)
  if (scheme !== 'cassandra') throw new Error(`'${text}' is no speed store: write ${FORM.shape}`)
  return { kind: 'cassandra', contactPoints: hosts, keyspace: name ?? DEFAULT_KEYSPACE }
}

/** What the store is called, wherever its servers are. */
export function describeStore(address: StoreAddress): string {
  return address.kind === 'embedded' ? 'its own file' : `Cassandra keyspace ${address.keyspace}`
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
  { contactPoints, keyspace }: StoreAddress & { kind: 'cassandra' },
  { cassandra }: Pick<Environment, 'cassandra'>,
): CassandraSpeedStoreOptions {
  const { dataCenter: localDataCenter, ...security } = cassandra
  return { contactPoints, keyspace, localDataCenter, ...security }
}
