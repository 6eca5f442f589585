import type { Environment } from '../runtime/config/environment.ts'
import { parseLogAddress } from '../runtime/config/log-address.ts'
import { parseStoreAddress } from '../runtime/config/store-address.ts'
import type { RequestedEndpoints } from '../runtime/local/endpoints.ts'
import { type Flag, flagValue } from './command.ts'

export const ENDPOINT_FLAGS = {
  log: {
    type: 'string',
    value: 'ADDRESS',
    variable: 'LANDCOVER_LOG',
    help: 'Event log: kafka://HOST:PORT/TOPIC or kinesis://STREAM (default LANDCOVER_LOG, or a file of the state)',
  },
  store: {
    type: 'string',
    value: 'ADDRESS',
    variable: 'LANDCOVER_STORE',
    help: 'Speed store: cassandra://HOST:PORT/KEYSPACE (default LANDCOVER_STORE, or a file of the state)',
  },
} as const satisfies Record<string, Flag>

/**
 * Returns the log and the store from the flags, or else from the environment.
 *
 * @throws UsageError for a flag, Error for a variable that contains no address
 */
export function requestedEndpoints(
  flags: { log?: string | undefined; store?: string | undefined },
  environment: Environment,
): RequestedEndpoints {
  if (flags.log !== undefined) flagValue('log', flags.log, parseLogAddress)
  if (flags.store !== undefined) flagValue('store', flags.store, parseStoreAddress)
  return { log: flags.log ?? environment.log, store: flags.store ?? environment.store }
}
