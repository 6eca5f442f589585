import { parseAddress } from './address.ts'

/** Address of a speed store. */
export type StoreAddress = { kind: 'embedded'; file: string } | CassandraAddress

/** Address of a keyspace in a Cassandra cluster; contact points are `HOST:PORT`. */
export interface CassandraAddress {
  kind: 'cassandra'
  contactPoints: string[]
  keyspace: string
}

const DEFAULT_KEYSPACE = 'landcover'

/** Default data center of a Cassandra cluster. */
export const DEFAULT_DATA_CENTER = 'datacenter1'

const FORM = { shape: 'cassandra://HOST:PORT/KEYSPACE', variables: 'LANDCOVER_CASSANDRA_' }

/**
 * Parses the address of a speed store.
 *
 * @throws Error that says what is accepted
 */
export function parseStoreAddress(text: string): CassandraAddress {
  const { scheme, hosts, name } = parseAddress(text, FORM)
  if (scheme !== 'cassandra') throw new Error(`'${text}' is not a speed store: write ${FORM.shape}`)
  return { kind: 'cassandra', contactPoints: hosts, keyspace: name ?? DEFAULT_KEYSPACE }
}

/**
 * The store of a stage on AWS: `keyspaces://KEYSPACE`, or a Cassandra of its own.
 *
 * @throws Error as parseStoreAddress does
 */
export function parseStageStoreAddress(text: string): CassandraAddress | { kind: 'keyspaces'; keyspace: string } {
  const { scheme, hosts } = parseAddress(text, FORM)
  const [keyspace = ''] = hosts
  return scheme === 'keyspaces' ? { kind: 'keyspaces', keyspace } : parseStoreAddress(text)
}

/** Name of the store in messages, without its hosts. */
export function describeStore(address: StoreAddress): string {
  return address.kind === 'embedded' ? 'its own file' : `Cassandra keyspace ${address.keyspace}`
}
