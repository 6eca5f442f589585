import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLASSES, generateImages, toWireEvent } from '../../data/generator.ts'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { openTrinoBatchQuery } from '../../functions/adapters/sql/trino-batch-query.ts'
import { openTrinoClient } from '../../functions/adapters/sql/trino-client.ts'
import { archiveDelivery } from '../../functions/archive/archive.ts'
import { ARCHIVE_TABLE_COLUMNS, slotProjection } from '../../functions/archive/table.ts'
import { contentOf, countSlots } from '../../functions/batch/query.ts'
import { renderSql } from '../../functions/batch/sql.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { DEFAULT_LATENESS } from '../../functions/core/lateness.ts'
import { encodeRecord, type LogRecord } from '../../functions/core/record.ts'
import { IMPORT_SLOT, slotName, slotOf } from '../../functions/core/slot.ts'
import { DAY_MS, formatTimestamp, HOUR_MS } from '../../functions/core/time.ts'
import type { SqlRow } from '../../functions/ports/batch-query.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { logRecord, NOON_MS, wireEvent } from '../support/factories.ts'
import { BATCH_SQL } from '../support/pipeline.ts'
import { snippet } from '../support/snippet.ts'
import { describeWithTrino, startTrino, TRINO_CATALOG, TRINO_START_TIMEOUT_MS, type Trino } from './trino.ts'

const SEED = 20_261_122

describeWithTrino('Trino', () => {
  let trino: Trino
  beforeAll(async () => {
    trino = await startTrino()
  }, TRINO_START_TIMEOUT_MS)
  afterAll(async () => {
    await trino?.stop()
  })

  describe('returns the same rows as DuckDB', () => {
    let ask: (sql: string) => Promise<{ trino: SqlRow[]; duckdb: SqlRow[] }>
    let close: () => Promise<unknown>
    beforeAll(async () => {
      const { connection, folder } = await trino.freshArchive()
      const objects = openFolderObjectStore(folder)
      await fillArchive(objects)
      const onTrino = openTrinoBatchQuery(connection)
      const onDuckDb = await openDuckDbBatchQuery(join(folder, 'archive'), ARCHIVE_TABLE_COLUMNS)
      ask = async sql => ({
        trino: sorted((await onTrino.query(sql, ALL)).rows),
        duckdb: sorted((await onDuckDb.query(sql, ALL)).rows),
      })
      close = () => Promise.all([onTrino.close(), onDuckDb.close()])
    })
    afterAll(() => close?.())

    const name = (slots: number) => slotName(NOON_MS + slots * HOUR_MS, HOUR_MS)
    const ALL = { first: slotName(IMPORT_SLOT, HOUR_MS), last: name(12) }
    const RANGES = {
      'of all slots': { look_back: name(-2), from: name(0), until: name(4), next_slot: name(4), lane: '' },
      'of one slot': { look_back: name(0), from: name(2), until: name(3), next_slot: name(3), lane: '' },
      'with a slot of a clock that leapt ahead': {
        look_back: name(-2),
        from: name(0),
        until: name(1),
        next_slot: name(1),
        lane: '',
        leapt_slots: [name(3), name(4)],
      },
      'with images of scenes that an import replaces': {
        look_back: name(-2),
        from: name(0),
        until: name(4),
        next_slot: name(4),
        lane: '',
        replacing: ['import-replacing-scene-0-1-a'],
      },
      'of one lane': {
        look_back: name(-2),
        from: name(0),
        until: name(4),
        next_slot: name(4),
        lane: LANES[0] as string,
      },
    }

    test('for the statement that docs/query-the-archive.md has for Athena', async () => {
      const { trino, duckdb } = await ask(snippet('Athena, Trino'))
      expect(duckdb.length).toBeGreaterThan(0)
      // Floating-point sums depend on the order of the rows.
      const near = (row: SqlRow) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            typeof value === 'number' ? expect.closeTo(value, 9) : value,
          ]),
        )
      expect(trino).toEqual(duckdb.map(near))
    })

    describe.each(Object.entries(BATCH_SQL))('for the statement of %s', (_, text) => {
      test.each(Object.entries(RANGES))('%s', async (_, values) => {
        const { trino, duckdb } = await ask(
          renderSql(text, {
            leapt_slots: [],
            replacing: [],
            import_slot: ALL.first,
            ...values,
            slot_ms: HOUR_MS,
            look_back_ms: 2 * HOUR_MS,
          }),
        )
        expect(duckdb.length).toBeGreaterThan(0)
        expect(trino).toEqual(duckdb)
      })
    })
  })

  test('finds a new slot and the slot of imports by itself, with the table as Glue has it', async () => {
    // Slots of a day, so that there are few.
    const { connection, folder } = await trino.freshArchive(slotProjection(DAY_MS))
    const objects = openFolderObjectStore(folder)
    const query = openTrinoBatchQuery(connection)
    const slot = slotOf(Date.now(), DAY_MS)
    expect(await contentOf(query, BATCH_SQL, DAY_MS, [slot])).toEqual(new Map())
    for (const at of [slot, IMPORT_SLOT]) {
      const event = wireEvent({ timestamp: formatTimestamp(at) })
      const record = logRecord(JSON.stringify(event), { lane: LANES[0], arrivalMs: at })
      await archiveDelivery({ objects, slotMs: DAY_MS, lateness: DEFAULT_LATENESS, classes }, LANES[0], [record])
    }
    const found = { rows: 1, events: 1 }
    const { days, content } = await countSlots(query, BATCH_SQL, DAY_MS, [slot], { files: [], lanes: [] })
    expect(days).toHaveLength(1)
    expect(content).toEqual(new Map([[slotName(slot, DAY_MS), found]]))
    expect(await contentOf(query, BATCH_SQL, DAY_MS, [IMPORT_SLOT])).toEqual(
      new Map([[slotName(IMPORT_SLOT, DAY_MS), found]]),
    )
    await query.close()
  })

  describe('its client', () => {
    const connectionOf = (url: string) => ({ url, catalog: TRINO_CATALOG, schema: 'none' })

    test('gets more rows than fit into one answer', async () => {
      const client = openTrinoClient(connectionOf(trino.url))
      const numbers = 'unnest(sequence(1, 10000))'
      const { rows } = await client.run(
        `select a, b from ${numbers} as a(a) cross join unnest(sequence(1, 10)) as b(b)`,
      )
      expect(rows).toHaveLength(100_000)
      expect(new Set(rows.map(String)).size).toBe(100_000)
      await client.close()
    })

    test('reports a failed statement with its id and reason', async () => {
      const query = openTrinoBatchQuery(connectionOf(trino.url))
      await expect(query.query('select 1 / 0', EVERY_SLOT)).rejects.toThrow(
        /^Trino query \d+_\d+_\d+_\w+ failed: DIVISION_BY_ZERO: Division by zero/,
      )
      await expect(query.query("select date '2026-11-22' as d", EVERY_SLOT)).rejects.toThrow('column d: cast it')
      await query.close()
    })

    test('cancels running statements when it is closed', async () => {
      const endless = `select count(*) as endless from ${['a', 'b', 'c', 'd']
        .map(name => `unnest(sequence(1, 10000)) as ${name}(${name})`)
        .join(' cross join ')}`
      const witness = openTrinoClient(connectionOf(trino.url))
      const stateOf = async () => {
        const { rows } = await witness.run(
          `select state, error_code from system.runtime.queries where query = '${endless}'`,
        )
        return rows[0]
      }
      const query = openTrinoBatchQuery(connectionOf(trino.url))
      const asked = expect(query.query(endless, EVERY_SLOT)).rejects.toThrow(/was cancelled: the client is closed/)
      while ((await stateOf())?.[0] !== 'RUNNING') await sleep(50)
      await query.close()
      await asked
      expect(await stateOf()).toEqual(['FAILED', 'USER_CANCELED'])
      await witness.close()
    })

    test('tries again when a proxy in front of Trino is busy', async () => {
      let asked = 0
      const server = createServer((_, response) => {
        const busy = ++asked < 4
        response.writeHead(busy ? 503 : 200).end(busy ? 'busy' : JSON.stringify({ id: '1', stats: {}, data: [[1]] }))
      }).listen(0, '127.0.0.1')
      await new Promise(done => server.once('listening', done))
      const client = openTrinoClient(connectionOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
      expect((await client.run('select 1')).rows).toEqual([[1]])
      expect(asked).toBe(4)
      await client.close()
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    })

    test('reports the address when nothing answers', async () => {
      const client = openTrinoClient(connectionOf('http://127.0.0.1:1'))
      await expect(client.run('select 1')).rejects.toThrow('Trino at http://127.0.0.1:1 did not accept the statement')
      await client.close()
    })
  })
})

const LANES = ['stream.shard-0', 'stream.shard-1'] as const
const EVERY_SLOT = { first: '', last: '9' }
const EVENTS_PER_RECORD = 10

async function classes() {
  return new Map(CLASSES.map(({ className }) => [className, 0]))
}

/** Four hours from noon, in which records are delivered twice in different cuts, sent twice, and of unknown classes. */
async function fillArchive(objects: ObjectStore): Promise<void> {
  const events = [...generateImages({ seed: SEED, images: 4_000, days: 3, untilMs: NOON_MS })].map(withGaps)
  const records = Math.ceil(events.length / EVENTS_PER_RECORD)
  for (const [at, lane] of LANES.entries()) {
    const inLane: LogRecord[] = []
    for (let n = at; n < records; n += LANES.length) {
      const data = encodeRecord(
        { producer: `producer-${n % 3}`, counter: n + 1 },
        events.slice(n * EVENTS_PER_RECORD, (n + 1) * EVENTS_PER_RECORD),
      )
      const arrivalMs = NOON_MS + Math.floor((n / records) * 4 * HOUR_MS)
      const send = (bytes: Uint8Array) => {
        inLane.push({ lane, position: toPosition(inLane.length + 1), arrivalMs, data: bytes })
      }
      send(data)
      if (n % 7 === 0) send(data)
      if (n % 11 === 0) send(encodeRecord({ producer: 'lost', counter: n + 1 }, [wireEvent({ class_name: 'Moon' })]))
      if (n % 13 === 0) send(Buffer.from(JSON.stringify(events[n])))
    }
    for (const cut of [30, 47]) {
      for (let start = 0; start < inLane.length; start += cut) {
        await archiveDelivery(
          { objects, slotMs: HOUR_MS, lateness: DEFAULT_LATENESS, classes },
          lane,
          inLane.slice(start, start + cut),
        )
      }
    }
  }
}

/** Not every sender measures everything. */
function withGaps(image: Parameters<typeof toWireEvent>[0], index: number): WireEvent {
  const event = toWireEvent(image)
  return {
    ...event,
    ...(index % 5 === 0 && { ndvi_min: null, ndvi_max: null }),
    ...(index % 3 === 0 && { red_mean: null, brightness_mean: null }),
    ...(index % 17 === 0 && { nir_mean: null }),
    ...(index % 4 === 0 && { site_id: `field-${index % 9}`, texture_contrast: 65_025 }),
    ...(index % 6 === 0 && { lon: -179.5, lat: 0.25, pixels: 12 }),
  }
}

function sorted(rows: SqlRow[]): SqlRow[] {
  const keyOf = (row: SqlRow) => Object.values(row).join()
  return rows
    .map(row => ({ row, key: keyOf(row) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ row }) => row)
}
