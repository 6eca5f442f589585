import cassandra from 'cassandra-driver'
import { SpeedStoreUnavailableError } from '../../ports/speed-store.ts'
import { type KeyspacesLogin, keyspacesAuthProvider } from './keyspaces-auth.ts'

const { auth, errors, policies, types } = cassandra

/** Options of a connection to Cassandra or Keyspaces. */
export interface CassandraConnection {
  /** Addresses as `host:port`; the default port is 9042. The other nodes are found through them, on the same port. */
  contactPoints: string[]
  localDataCenter: string
  credentials?: { username: string; password: string }
  /**
   * TLS with verified server certificates. `ca`: PEM of the authority, if Node does not trust it already. `serverName`:
   * name in the certificates, if they do not contain the servers' addresses (Keyspaces: its endpoint).
   */
  tls?: { ca?: string; serverName?: string }
  /**
   * Keyspaces instead of a cluster, without `credentials`. Keyspaces is one service behind several equal addresses. To
   * start quickly, the client connects to a few of them, and only when a statement needs one.
   */
  keyspaces?: KeyspacesLogin
}

/** Value of a column, as the driver gives and takes it. */
export type CqlValue = string | number | Buffer | null
/** Row of an answer, by column name. */
export type CqlRow = Record<string, CqlValue>
/** Statement with `?` for each of its values. */
export type CqlStatement = readonly [cql: string, values: readonly CqlValue[]]

/**
 * Client for prepared statements on Cassandra or Keyspaces, at LOCAL_QUORUM. Integers are JavaScript numbers: ours stay
 * below 2^53. Every method throws SpeedStoreUnavailableError when the servers are unreachable or do not answer within
 * seconds; the connections are then restored in the background.
 */
export interface CqlClient {
  /** Yields the rows of all pages. A read that fails on one node is tried on the others. */
  rows(statement: CqlStatement, pageSize?: number): AsyncIterable<CqlRow>
  /**
   * Writes statements that are harmless to repeat, all in one batch to one partition; tried on another node after a
   * failure.
   */
  write(statements: readonly CqlStatement[]): Promise<void>
  /**
   * Does a conditional write (lightweight transaction) and returns true if it was applied. Sent once: after an error it
   * may or may not have been applied, and a second attempt would see its own write and return false.
   */
  writeIf(statement: CqlStatement): Promise<boolean>
  /** Runs a statement that defines a keyspace or a table. */
  define(cql: string): Promise<void>
  /** Returns the number of nodes in the local data center. */
  localNodes(): Promise<number>
  close(): Promise<void>
}

const DEFAULT_PORT = 9042
const CONNECT_TIMEOUT_MS = 2_000
/**
 * Time limit for an answer, ms. It is above the 2 s after which a server gives up a write, so that the server's own
 * answer comes first.
 */
const ANSWER_TIMEOUT_MS = 3_000
const DEFINITION_TIMEOUT_MS = 30_000
/** Maximum delay between reconnections, ms. The driver's own delays grow to ten minutes. */
const RECONNECT_MS = 500
/**
 * Number of unanswered statements after which a connection is replaced: it may be dead (often so after a Lambda
 * function was frozen).
 */
const MAX_UNANSWERED = 3
const HEARTBEAT_MS = 10_000
const PAGE_ROWS = 200
/**
 * Time limit for one address of Keyspaces, ms. It answers within milliseconds, or the connection is dead; then another
 * address is tried while there is time.
 */
const KEYSPACES_ANSWER_TIMEOUT_MS = 1_500
/** Number of Keyspaces addresses with a connection. Another address is used when one fails. */
const KEYSPACES_PEERS = 2
/**
 * Idle time after which the connections are replaced, ms. Network devices drop idle connections without a message, and
 * a frozen Lambda function keeps none alive.
 */
const IDLE_MS = 240_000

/** Driver that connects again after an outage or a long idle time. */
interface Reconnecting {
  /**
   * Runs a statement. When no node could be reached, the next statement connects again through the contact points: the
   * nodes may have new addresses.
   */
  run<T>(statement: (client: cassandra.Client) => Promise<T>): Promise<T>
  close(): Promise<void>
}

async function reconnectingDriver(connection: CassandraConnection): Promise<Reconnecting> {
  let client: cassandra.Client | undefined = await connectDriver(connection)
  let connecting: Promise<cassandra.Client> | undefined
  let closed = false
  let running = 0
  let lastUsedMs = Date.now()

  async function connected(): Promise<cassandra.Client> {
    if (closed) throw new Error('the connection to Cassandra is closed')
    if (client && running === 0 && Date.now() - lastUsedMs > IDLE_MS) {
      const idle = client
      client = undefined
      // Shutting down may take long when nobody answers, so it is not awaited.
      void idle.shutdown().catch(() => undefined)
    }
    if (client) return client
    connecting ??= connectDriver(connection)
      .then(fresh => {
        client = fresh
        return fresh
      })
      .finally(() => {
        connecting = undefined
      })
    return connecting
  }

  async function run<T>(statement: (client: cassandra.Client) => Promise<T>): Promise<T> {
    const used = await connected()
    running++
    try {
      return await statement(used)
    } catch (error) {
      if (error instanceof errors.NoHostAvailableError && client === used) {
        client = undefined
        await used.shutdown()
      }
      throw storeError(error)
    } finally {
      running--
      lastUsedMs = Date.now()
    }
  }

  return {
    run,
    async close() {
      closed = true
      await connecting?.catch(() => undefined)
      await client?.shutdown()
    },
  }
}

/**
 * Connects to the servers.
 *
 * @throws Error that says so when the servers refuse the log-in
 * @throws SpeedStoreUnavailableError when no contact point can be reached, or its certificate is not trusted
 */
export async function connectCassandra(connection: CassandraConnection): Promise<CqlClient> {
  const { localDataCenter } = connection
  const { run, close } = await reconnectingDriver(connection)
  return {
    async *rows([cql, values], pageSize = PAGE_ROWS) {
      const result = await run(client => client.execute(cql, [...values], { ...REPEATABLE, fetchSize: pageSize }))
      try {
        for await (const row of result) yield plainRow(row)
      } catch (error) {
        throw storeError(error)
      }
    },
    async write(statements) {
      const [first] = statements
      if (!first) return
      if (statements.length === 1) await run(client => client.execute(first[0], [...first[1]], REPEATABLE))
      else {
        const queries = statements.map(([query, values]) => ({ query, params: [...values] }))
        await run(client => client.batch(queries, { ...REPEATABLE, logged: false }))
      }
    },
    async writeIf([cql, values]) {
      const result = await run(client => client.execute(cql, [...values], ONCE))
      // The driver's wasApplied() is also true for answers without the column, that is, for statements that are not
      // conditional.
      const applied: unknown = result.first()?.['[applied]']
      if (typeof applied !== 'boolean') throw new Error(`the statement is not conditional: ${cql}`)
      return applied
    },
    async define(cql) {
      await run(client => client.execute(cql, [], { prepare: false, readTimeout: DEFINITION_TIMEOUT_MS }))
    },
    async localNodes() {
      const { hosts } = await run(async client => client)
      return hosts.values().filter(host => host.datacenter === localDataCenter).length
    },
    close,
  }
}

/**
 * Connects a client of the driver. A client that failed to connect is not used again, because it would keep its
 * listeners.
 */
async function connectDriver(connection: CassandraConnection): Promise<cassandra.Client> {
  const contactPoints = [...connection.contactPoints]
  const client = new cassandra.Client(driverOptions({ ...connection, contactPoints }))
  try {
    await client.connect()
  } catch (error) {
    await client.shutdown()
    throw storeError(error)
  }
  // After an outage of all nodes, the driver (4.10) connects to the contact points again, besides reconnecting to the
  // nodes that it knows, and then watches its connection twice. With every outage the connections double, and the lost
  // ones stay open after shutdown. Without contact points it waits for the known nodes, which is enough.
  contactPoints.length = 0
  return client
}

function driverOptions({ contactPoints, localDataCenter, credentials, tls, keyspaces }: CassandraConnection) {
  const options: cassandra.ClientOptions = {
    contactPoints,
    localDataCenter,
    // Keyspaces supports protocol version 4. A higher version would cost each connection a refusal.
    protocolOptions: { port: portOf(contactPoints[0] ?? ''), maxVersion: 4 },
    queryOptions: { consistency: types.consistencies.localQuorum, prepare: true },
    policies: {
      retry: new policies.retry.FallthroughRetryPolicy(),
      speculativeExecution: new policies.speculativeExecution.NoSpeculativeExecutionPolicy(),
      reconnection: new policies.reconnection.ConstantReconnectionPolicy(RECONNECT_MS),
    },
    socketOptions: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      readTimeout: ANSWER_TIMEOUT_MS,
      defunctReadTimeoutThreshold: MAX_UNANSWERED,
    },
    pooling: { heartBeatInterval: HEARTBEAT_MS },
  }
  if (keyspaces) {
    options.authProvider = keyspacesAuthProvider(keyspaces)
    options.isMetadataSyncEnabled = false
    options.pooling = { ...options.pooling, warmup: false }
    options.policies = { ...options.policies, loadBalancing: new FewPeers(localDataCenter, KEYSPACES_PEERS) }
    options.socketOptions = { ...options.socketOptions, readTimeout: KEYSPACES_ANSWER_TIMEOUT_MS }
  }
  if (credentials) options.authProvider = new auth.PlainTextAuthProvider(credentials.username, credentials.password)
  if (tls) {
    options.sslOptions = {
      // The driver's default is false.
      rejectUnauthorized: true,
      ...(tls.ca !== undefined && { ca: tls.ca }),
      ...(tls.serverName !== undefined && { servername: tls.serverName }),
    }
  }
  return options
}

/** Policy that sends statements to a few nodes of the data center in turn, and to others only when these are down. */
class FewPeers extends policies.loadBalancing.DCAwareRoundRobinPolicy {
  readonly #count: number

  constructor(localDataCenter: string, count: number) {
    super(localDataCenter)
    this.#count = count
  }

  override newQueryPlan(
    keyspace: string,
    executionOptions: cassandra.ExecutionOptions,
    callback: (error: Error, iterator: Iterator<cassandra.Host>) => void,
  ): void {
    super.newQueryPlan(keyspace, executionOptions, (error, hosts) => {
      if (error) return callback(error, hosts)
      // The order must not depend on the turn, or after a while there would be connections to all addresses.
      const byAddress = Iterator.from(hosts)
        .toArray()
        .sort((a, b) => (a.address < b.address ? -1 : 1))
      const few = byAddress.filter(host => host.isUp()).slice(0, this.#count)
      const inTurn = Math.random() < 0.5 ? few : few.toReversed()
      callback(error, [...inTurn, ...byAddress.filter(host => !few.includes(host))].values())
    })
  }
}

const REPEATABLE: cassandra.QueryOptions = {
  prepare: true,
  isIdempotent: true,
  retry: new policies.retry.RetryPolicy(),
}

/** Retry policy of the driver that never retries. */
const ONCE: cassandra.QueryOptions = {
  prepare: true,
  isIdempotent: false,
  serialConsistency: types.consistencies.localSerial,
}

function portOf(contactPoint: string): number {
  const [, port] = /^(?:\[.+\]|[^:]+):(\d+)$/.exec(contactPoint) ?? []
  return port === undefined ? DEFAULT_PORT : Number(port)
}

function plainRow(row: cassandra.types.Row): CqlRow {
  const cells: [string, CqlValue | cassandra.types.Long][] = Object.entries(row)
  return Object.fromEntries(
    cells.map(([name, value]) => [name, value instanceof types.Long ? value.toNumber() : value]),
  )
}

/** Error codes of a server with a problem, as opposed to a wrong request. */
const TROUBLE: ReadonlySet<number> = new Set([
  types.responseErrorCodes.serverError,
  types.responseErrorCodes.unavailableException,
  types.responseErrorCodes.overloaded,
  types.responseErrorCodes.isBootstrapping,
  types.responseErrorCodes.writeTimeout,
  types.responseErrorCodes.readTimeout,
  types.responseErrorCodes.readFailure,
  types.responseErrorCodes.writeFailure,
])

function storeError(error: unknown): unknown {
  if (error instanceof errors.NoHostAvailableError) {
    const reasons: [host: string, reason: unknown][] = Object.entries(error.innerErrors ?? {})
    const said = reasons.map(([host, reason]) => `${host}: ${reason instanceof Error ? reason.message : 'down'}`)
    if (reasons.some(([, reason]) => isRefusedLogin(reason))) {
      return new Error(`Cassandra refuses the log-in (${said.join('; ')})`, { cause: error })
    }
    const why = said.join('; ') || 'all are down'
    return new SpeedStoreUnavailableError(`no Cassandra node can be reached (${why})`, { cause: error })
  }
  const isTrouble =
    error instanceof errors.OperationTimedOutError ||
    error instanceof errors.BusyConnectionError ||
    (error instanceof errors.ResponseError && TROUBLE.has(error.code)) ||
    (error as { isSocketError?: boolean } | null)?.isSocketError === true
  return isTrouble ? new SpeedStoreUnavailableError((error as Error).message, { cause: error }) : error
}

function isRefusedLogin(error: unknown): boolean {
  return (
    error instanceof errors.AuthenticationError ||
    (error instanceof errors.ResponseError && error.code === types.responseErrorCodes.badCredentials)
  )
}
