import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connectCassandra } from '../../functions/adapters/cassandra/client.ts'
import {
  type CassandraSpeedStoreOptions,
  openCassandraSpeedStore,
} from '../../functions/adapters/cassandra/speed-store.ts'
import { STORE_FORMAT, TABLES } from '../../functions/adapters/row-encoding/tables.ts'
import { type Cursor, newCursor } from '../../functions/core/cursor.ts'
import { START, toPosition } from '../../functions/core/lane.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { emptyTotals } from '../../functions/core/totals.ts'
import { type SpeedRow, type SpeedStore, SpeedStoreUnavailableError } from '../../functions/ports/speed-store.ts'
import { ensureCompatibleStore } from '../../functions/runtime/store-compatibility.ts'
import { type Cassandra, FIRST_LOGIN, LOCAL_DATA_CENTER, startCassandra } from './cassandra.ts'
import { type CqlProxy, startCqlProxy } from './cql-proxy.ts'
import { describeWithJava } from './java.ts'

const START_LIMIT_MS = 600_000
const RESTART_LIMIT_MS = 600_000

const IT = { name: 'it', slotMs: 60_000, systemId: 'own', emptying: 'empty it' }

describeWithJava('the speed store on a Cassandra node that fails', () => {
  let server: Cassandra
  let options: CassandraSpeedStoreOptions
  let proxy: CqlProxy
  /** Through the proxy. */
  let store: SpeedStore
  /** Straight to the server. */
  let witness: SpeedStore
  beforeAll(async () => {
    server = await startCassandra()
    options = { contactPoints: [server.contactPoint], localDataCenter: LOCAL_DATA_CENTER, keyspace: 'landcover' }
    witness = await openCassandraSpeedStore({ ...options, createSchema: true })
    proxy = await startCqlProxy(server.contactPoint)
  }, START_LIMIT_MS)
  afterAll(async () => {
    await proxy?.close()
    await witness?.close()
    await server?.stop()
  })
  beforeEach(async () => {
    store = await openCassandraSpeedStore({ ...options, contactPoints: [proxy.contactPoint] })
  })
  afterEach(async () => {
    await store.close()
  })

  describe('writes of unknown outcome', () => {
    test('are reported as an error, not as false, when they were done and the answer was lost', async () => {
      const { cursor, next } = await begun(store)
      const sent = proxy.executed()
      proxy.cutNext('before-answer')
      await expect(store.moveCursor(next, cursor.lastPosition)).rejects.toThrow(SpeedStoreUnavailableError)
      expect(proxy.executed() - sent).toBe(1)
      expect(await witness.readCursor(cursor.lane)).toEqual(next)
    })

    test('are reported as an error when the request was lost, and can then be repeated', async () => {
      const { cursor, next } = await begun(store)
      const sent = proxy.executed()
      proxy.cutNext('before-request')
      await expect(store.moveCursor(next, cursor.lastPosition)).rejects.toThrow(SpeedStoreUnavailableError)
      expect(proxy.executed() - sent).toBe(1)
      expect(await witness.readCursor(cursor.lane)).toEqual(cursor)
      expect(await eventually(() => store.moveCursor(next, cursor.lastPosition))).toBe(true)
    })

    test('are sent once also when rows are created and replaced', async () => {
      const row = rowOf(freshLane(), 1)
      await store.writeRow(row, null)
      const others: [SpeedRow, string | null][] = [
        [{ ...row, windowStart: row.windowStart + 1 }, null],
        [{ ...row, lastPosition: toPosition(2) }, row.lastPosition],
      ]
      for (const [next, replacing] of others) {
        await eventually(() => store.readRow(row))
        const sent = proxy.executed()
        proxy.cutNext('before-answer')
        await expect(store.writeRow(next, replacing)).rejects.toThrow(SpeedStoreUnavailableError)
        expect(proxy.executed() - sent).toBe(1)
        expect(await witness.readRow(next)).toEqual(next)
      }
    })

    test('end in an error when the server is frozen, and nothing is sent again when it continues', async () => {
      const { cursor, next } = await begun(store)
      const sent = proxy.executed()
      server.freeze()
      try {
        await expect(store.moveCursor(next, cursor.lastPosition)).rejects.toThrow(SpeedStoreUnavailableError)
      } finally {
        server.thaw()
      }
      expect(proxy.executed() - sent).toBe(1)
      const found = await eventually(() => store.readCursor(cursor.lane))
      expect([cursor, next]).toContainEqual(found)
    })
  })

  describe('outages', () => {
    test('make requests fail, and end without a restart', async () => {
      const { cursor } = await begun(store)
      proxy.goDown()
      await expect(store.readCursor(cursor.lane)).rejects.toThrow(SpeedStoreUnavailableError)
      await expect(store.createCursor(newCursor(freshLane()))).rejects.toThrow(SpeedStoreUnavailableError)
      await expect(store.readCursors()).rejects.toThrow(SpeedStoreUnavailableError)
      proxy.comeBack()
      expect(await eventually(() => store.readCursor(cursor.lane))).toEqual(cursor)
    })

    test('leave no connections behind, however many there are, also when the store is closed', async () => {
      const { cursor } = await begun(store)
      for (let outage = 0; outage < 8; outage++) {
        proxy.goDown()
        // Every second outage passes without any request.
        if (outage % 2 === 0) await expect(store.readCursor(cursor.lane)).rejects.toThrow(SpeedStoreUnavailableError)
        else await sleep(700)
        proxy.comeBack()
        await eventually(() => store.readCursor(cursor.lane))
        await sleep(700)
        expect(proxy.connections()).toBeLessThanOrEqual(2)
      }
      await store.close()
      await eventually(async () => expect(proxy.connections()).toBe(0))
    })

    test('also end for a store that was opened and never used before', async () => {
      proxy.goDown()
      await expect(openCassandraSpeedStore({ ...options, contactPoints: [proxy.contactPoint] })).rejects.toThrow(
        SpeedStoreUnavailableError,
      )
      await expect(store.readCursors()).rejects.toThrow(SpeedStoreUnavailableError)
      proxy.comeBack()
      await eventually(() => store.readCursors())
    })

    test('a closed store stays closed', async () => {
      await store.close()
      await expect(store.readCursors()).rejects.toThrow('closed')
      expect(proxy.connections()).toBe(0)
    })

    test(
      'by kill -9 lose nothing that was acknowledged',
      async () => {
        const lane = freshLane()
        await witness.createCursor(newCursor(lane))
        const image = {
          ...{ className: 'Forest', day: '2026-11-22', eventMs: SLOT, imageId: 'image', ndviMean: 1, ndviMin: null },
          ...{ ndviMax: null, rule: 'class-zscore', score: 3, baselineVersion: 1 },
        }
        const entry = {
          ...{ lane, position: toPosition(1), line: 0, arrivalMs: SLOT, reason: 'not-json' as const },
          ...{ detail: 'the line is not JSON', bytes: Buffer.from('{') },
        }
        await witness.putUnusualImages([image])
        await witness.quarantine([entry])
        let acknowledged = 0
        const writing = (async () => {
          for (let sequence = 1; ; sequence++) {
            const replacing = sequence === 1 ? null : toPosition(sequence - 1)
            expect(await witness.writeRow(rowOf(lane, sequence), replacing)).toBe(true)
            expect(await witness.moveCursor(cursorAt(lane, sequence), replacing ?? START)).toBe(true)
            acknowledged = sequence
          }
        })()
        const failed = expect(writing).rejects.toThrow(SpeedStoreUnavailableError)
        await sleep(2_000)
        await server.kill()
        await failed
        expect(acknowledged).toBeGreaterThan(0)
        await expect(witness.readCursor(lane)).rejects.toThrow(SpeedStoreUnavailableError)
        await server.restart()

        const cursor = await eventually(() => witness.readCursor(lane))
        expect([acknowledged, acknowledged + 1].map(toPosition)).toContain(cursor?.lastPosition)
        const [row] = await witness.readRows(lane, { from: 0, until: SLOT + HOUR_MS })
        expect([acknowledged, acknowledged + 1].map(toPosition)).toContain(row?.lastPosition)
        expect(
          await witness.readUnusualImages({
            className: 'Forest',
            day: '2026-11-22',
            upToMs: Number.MAX_SAFE_INTEGER,
            limit: 10,
          }),
        ).toEqual([image])
        expect(await witness.readQuarantine({ lane, after: null, limit: 10 })).toEqual([entry])
        // The first compare-and-set after an outage ends what the server was doing when it died: a cursor may be old.
        await eventually(async () => {
          const last = (await witness.readCursor(lane)) as Cursor
          expect(await witness.moveCursor(cursorAt(lane, acknowledged + 9), last.lastPosition)).toBe(true)
        })
      },
      RESTART_LIMIT_MS,
    )
  })

  describe('a wrong configuration', () => {
    test('with an address where nothing listens: the store is unavailable', async () => {
      await expect(openCassandraSpeedStore({ ...options, contactPoints: ['127.0.0.1:1'] })).rejects.toThrow(
        /no Cassandra node can be reached.*127\.0\.0\.1:1.*ECONNREFUSED/,
      )
    })

    test('with a missing keyspace: an error, not an outage', async () => {
      const lost = await openCassandraSpeedStore({ ...options, keyspace: 'elsewhere' })
      const error = await lost.readCursors().catch((caught: unknown) => caught)
      expect(error).toMatchObject({ message: expect.stringContaining('elsewhere') })
      expect(error).not.toBeInstanceOf(SpeedStoreUnavailableError)
      await lost.close()
    })

    test('with a keyspace name that is not valid: refused before it is put into a statement', async () => {
      for (const keyspace of ['', 'a', 'Land', 'a b', 'a;DROP', '1a', 'x'.repeat(49)]) {
        await expect(openCassandraSpeedStore({ ...options, keyspace })).rejects.toThrow('is not a keyspace')
      }
    })

    test('with a missing data center: an error that names it', async () => {
      await expect(openCassandraSpeedStore({ ...options, localDataCenter: 'nowhere' })).rejects.toThrow('nowhere')
    })
  })

  test('the tables have the time to live that the schema states', async () => {
    const client = await connectCassandra(options)
    const cql = 'SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = ?'
    const found = new Map<unknown, unknown>()
    for await (const row of client.rows([cql, [options.keyspace]])) found.set(row.table_name, row.default_time_to_live)
    await client.close()
    expect(found).toEqual(new Map(TABLES.map(table => [table.name, table.ttlSeconds ?? 0])))
  })

  test.for([
    [1, ['store_settings.system_id', 'lane_cursor.lost_records', 'lane_cursor.last_loss_ms']],
    [2, ['lane_cursor.last_loss_ms']],
  ] as const)(
    'a keyspace of format %i gets its newer columns, once, and its cursors have lost nothing',
    async ([format, newer]) => {
      const keyspace = `of_format_${format}`
      const old = { ...options, keyspace }
      await (await openCassandraSpeedStore({ ...old, createSchema: true })).close()
      const client = await connectCassandra(old)
      const columns = newer.map(column => column.split('.') as [string, string])
      for (const [table, column] of columns) await client.define(`ALTER TABLE ${keyspace}.${table} DROP ${column}`)
      await client.define(
        `INSERT INTO ${keyspace}.store_settings (name, format, slot_ms) VALUES ('speed-store', ${format}, 60000)`,
      )
      await client.define(
        `INSERT INTO ${keyspace}.lane_cursor (lane, last_sequence, producers, quarantined) VALUES ('a', '7', '[]', 3)`,
      )
      const unchanged = await openCassandraSpeedStore(old)
      expect(await unchanged.unready()).toEqual(
        columns.map(([table, column]) => `The table ${table} lacks the column ${column}.`),
      )
      await unchanged.close()
      const opened = await Promise.all([1, 2].map(() => openCassandraSpeedStore({ ...old, createSchema: true })))
      for (const store of opened) {
        await ensureCompatibleStore(store, IT)
        const lostNothing = { lostRecords: 0, lastLossMs: null }
        expect(await store.readCursor('a')).toMatchObject({ lastPosition: '7', quarantined: 3, ...lostNothing })
        expect(await store.initSettings({ format: 9, slotMs: 1, systemId: null })).toMatchObject({
          format: STORE_FORMAT,
        })
        await store.close()
      }
      await client.close()
    },
  )

  test('a column that was dropped is named in the error, and not created again', async () => {
    const damaged = { ...options, keyspace: 'damaged' }
    const store = await openCassandraSpeedStore({ ...damaged, createSchema: true })
    await ensureCompatibleStore(store, IT)
    await store.close()
    const client = await connectCassandra(damaged)
    await client.define('ALTER TABLE damaged.lane_cursor DROP lost_records')
    await client.define('ALTER TABLE damaged.realtime_ndvi_by_class DROP totals')
    const again = await openCassandraSpeedStore({ ...damaged, createSchema: true })
    await expect(ensureCompatibleStore(again, IT)).rejects.toThrow(
      'it cannot be used. The table lane_cursor lacks the column lost_records. The table realtime_ndvi_by_class lacks the column totals.',
    )
    await again.close()
    await client.close()
  })

  test('an existing schema is not changed', async () => {
    const { cursor } = await begun(store)
    const again = await openCassandraSpeedStore({ ...options, createSchema: true })
    expect(await again.readCursor(cursor.lane)).toEqual(cursor)
    await again.close()
  })
})

describeWithJava('the speed store on a Cassandra node with log-in and TLS', () => {
  let server: Cassandra
  let options: CassandraSpeedStoreOptions & { tls: object }
  beforeAll(async () => {
    server = await startCassandra({ password: true, tls: true })
    options = {
      contactPoints: [server.contactPoint],
      localDataCenter: LOCAL_DATA_CENTER,
      keyspace: 'landcover',
      credentials: FIRST_LOGIN,
      tls: { ca: server.ca as string },
    }
  }, START_LIMIT_MS)
  afterAll(async () => {
    await server?.stop()
  })

  test('works with the right password', async () => {
    const store = await openCassandraSpeedStore({ ...options, createSchema: true })
    const { cursor } = await begun(store)
    expect(await store.readCursor(cursor.lane)).toEqual(cursor)
    await store.close()
  })

  test('reports a wrong password, without repeating it', async () => {
    const credentials = { ...FIRST_LOGIN, password: 'not-the-password' }
    const error = await openCassandraSpeedStore({ ...options, credentials }).catch((caught: unknown) => caught)
    expect(error).not.toBeInstanceOf(SpeedStoreUnavailableError)
    expect(String(error)).toMatch(/refuses the log-in/)
    expect(String(error)).not.toContain(credentials.password)
  })

  test('reports a missing log-in', async () => {
    const { credentials, ...anonymous } = options
    expect(credentials).toBeDefined()
    await expect(openCassandraSpeedStore(anonymous)).rejects.toThrow(/refuses the log-in/)
  })

  test('does not trust a certificate of an unknown authority', async () => {
    await expect(openCassandraSpeedStore({ ...options, tls: {} })).rejects.toThrow(/self-signed certificate/)
  })

  test('does not trust a certificate for another name', async () => {
    const tls = { ...options.tls, serverName: 'cassandra.example' }
    await expect(openCassandraSpeedStore({ ...options, tls })).rejects.toThrow(/cassandra\.example/)
  })

  test('does not speak without TLS to a server that requires it', async () => {
    const { tls, ...plain } = options
    expect(tls).toBeDefined()
    await expect(openCassandraSpeedStore(plain)).rejects.toThrow(SpeedStoreUnavailableError)
  })
})

const SLOT = Date.UTC(2026, 10, 22, 14)
let made = 0

function freshLane(): string {
  return `lane-${made++}`
}

function cursorAt(lane: string, sequence: number): Cursor {
  return { ...newCursor(lane), lastPosition: toPosition(sequence), lastArrivalMs: SLOT }
}

function rowOf(lane: string, sequence: number): SpeedRow {
  const totals = new Map([['Forest', { ...emptyTotals(), count: sequence }]])
  return { lane, slot: SLOT, windowStart: SLOT, lastPosition: toPosition(sequence), totals }
}

/** A lane with a cursor, and the cursor's next position. */
async function begun(store: SpeedStore): Promise<{ cursor: Cursor; next: Cursor }> {
  const lane = freshLane()
  const cursor = cursorAt(lane, 1)
  await store.createCursor(newCursor(lane))
  await store.moveCursor(cursor, START)
  return { cursor, next: cursorAt(lane, 2) }
}

/** Returns the first outcome that is not an error. Vitest's time limit ends it. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof SpeedStoreUnavailableError) && (error as Error).name !== 'AssertionError') throw error
      await sleep(100)
    }
  }
}
