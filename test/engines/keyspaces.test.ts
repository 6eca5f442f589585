import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { connectCassandra } from '../../functions/adapters/cassandra/client.ts'
import {
  type CassandraSpeedStoreOptions,
  openCassandraSpeedStore,
} from '../../functions/adapters/cassandra/speed-store.ts'
import { TABLES } from '../../functions/adapters/row-encoding/tables.ts'
import { MINUTE_MS } from '../../functions/core/time.ts'
import { SpeedStoreUnavailableError } from '../../functions/ports/speed-store.ts'
import { describeSpeedStore } from '../contracts/speed-store.ts'
import { type Cassandra, LOCAL_DATA_CENTER, startCassandra } from './cassandra.ts'
import { describeWithJava } from './java.ts'
import { type Keyspaces, startKeyspaces } from './keyspaces.ts'

const START_TIMEOUT_MS = 600_000

describeWithJava('on a stand-in for Keyspaces', () => {
  let server: Cassandra
  let keyspaces: Keyspaces
  const options = (): CassandraSpeedStoreOptions => ({
    contactPoints: [keyspaces.contactPoint],
    localDataCenter: LOCAL_DATA_CENTER,
    keyspace: 'landcover',
    tls: { ca: keyspaces.ca },
    keyspaces: { region: keyspaces.region, credentials: async () => keyspaces.credentials },
  })
  beforeAll(async () => {
    server = await startCassandra()
    keyspaces = await startKeyspaces(server.contactPoint)
  }, START_TIMEOUT_MS)
  afterAll(async () => {
    await keyspaces?.close()
    await server?.stop()
  })

  describeSpeedStore('Keyspaces', async () => {
    const store = await openCassandraSpeedStore({ ...options(), createSchema: true })
    return { store, reopen: () => openCassandraSpeedStore(options()), close: () => store.close() }
  })

  test('the contract sends statements of every kind through the restrictions', () => {
    const kinds = Array.from(keyspaces.statements, statement => /^\s*(\w+)/.exec(statement)?.[1])
    expect(new Set(kinds)).toEqual(new Set(['SELECT', 'INSERT', 'UPDATE', 'CREATE']))
    expect(keyspaces.statements.size).toBeGreaterThan(25)
  })

  test.each([
    'TRUNCATE landcover.lane_cursor',
    'CREATE INDEX ON landcover.lane_cursor (last_sequence)',
    'SELECT count(*) FROM landcover.lane_cursor',
    "INSERT INTO landcover.lane_cursor (lane) VALUES ('a') USING TIMESTAMP 1",
    "CREATE ROLE somebody WITH PASSWORD = 'x'",
  ])('the stand-in refuses what Keyspaces does not have: %s', async statement => {
    const client = await connectCassandra(options())
    await expect(client.define(statement)).rejects.toThrow(/Keyspaces has not/)
    await client.close()
  })

  describe('signing in', () => {
    test.each([
      ['secret', () => ({ credentials: async () => ({ ...keyspaces.credentials, secretAccessKey: 'another' }) })],
      ['session', () => ({ credentials: async () => ({ ...keyspaces.credentials, sessionToken: 'another' }) })],
      ['region', () => ({ region: 'us-east-1' })],
    ])('with another %s is refused with an error', async (_, change) => {
      const login = { region: keyspaces.region, credentials: async () => keyspaces.credentials, ...change() }
      await expect(openCassandraSpeedStore({ ...options(), keyspaces: login })).rejects.toThrow(
        /Cassandra refuses the log-in/,
      )
    })

    test('without credentials fails with an error that says what is missing', async () => {
      const credentials = async () => Promise.reject(new Error('Could not load credentials from any providers'))
      const login = { region: keyspaces.region, credentials }
      await expect(openCassandraSpeedStore({ ...options(), keyspaces: login })).rejects.toThrow(/Could not load/)
    })

    test('requests credentials again for each connection', async () => {
      const credentials = vi.fn(async () => keyspaces.credentials)
      const login = { region: keyspaces.region, credentials }
      const first = await openCassandraSpeedStore({ ...options(), keyspaces: login })
      await first.readCursors()
      const asked = credentials.mock.calls.length
      expect(asked).toBeGreaterThan(0)
      await first.close()
      await (await openCassandraSpeedStore({ ...options(), keyspaces: login })).close()
      expect(credentials.mock.calls.length).toBeGreaterThan(asked)
    })
  })

  test('names the tables that are not active yet, or missing', async () => {
    const store = await openCassandraSpeedStore(options())
    const system = await connectCassandra({ contactPoints: [server.contactPoint], localDataCenter: LOCAL_DATA_CENTER })
    const replication = `{'class': 'NetworkTopologyStrategy', '${LOCAL_DATA_CENTER}': 1}`
    await system.define(`CREATE KEYSPACE system_schema_mcs WITH replication = ${replication}`)
    await system.define(
      'CREATE TABLE system_schema_mcs.tables (keyspace_name text, table_name text, status text, PRIMARY KEY (keyspace_name, table_name))',
    )
    const note = (table: string, status: string) =>
      system.write([
        [
          'INSERT INTO system_schema_mcs.tables (keyspace_name, table_name, status) VALUES (?, ?, ?)',
          ['landcover', table, status],
        ],
      ])
    for (const { name } of TABLES) await note(name, 'ACTIVE')
    expect(await store.unready()).toEqual([])
    await note('lane_cursor', 'CREATING')
    await note('quarantine', 'DELETING')
    expect(await store.unready()).toEqual(['The table lane_cursor is CREATING.', 'The table quarantine is DELETING.'])
    await system.close()
    await store.close()
  })

  test('a cold start opens few connections', async () => {
    const before = keyspaces.connections()
    const store = await openCassandraSpeedStore(options())
    await store.readCursors()
    expect(keyspaces.connections() - before).toBeLessThanOrEqual(2)
    await store.close()
  })

  describe('broken connections', () => {
    test('do not fail the first statement after minutes of silence', async () => {
      const store = await openCassandraSpeedStore(options())
      await store.readCursors()
      keyspaces.forgetConnections()
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 * MINUTE_MS })
      try {
        await store.readCursors()
        expect(await store.readCursor('nobody')).toBeUndefined()
      } finally {
        vi.useRealTimers()
        await store.close()
      }
    })

    test('make a statement fail because the store is unavailable, and are replaced', async () => {
      const store = await openCassandraSpeedStore(options())
      await store.readCursors()
      keyspaces.forgetConnections()
      await expect(store.readCursor('nobody')).rejects.toThrow(SpeedStoreUnavailableError)
      for (let tries = 0; ; tries++) {
        try {
          expect(await store.readCursor('nobody')).toBeUndefined()
          break
        } catch (error) {
          if (tries > 10 || !(error instanceof SpeedStoreUnavailableError)) throw error
        }
      }
      await store.close()
    })
  })
})
