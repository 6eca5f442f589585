import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTrinoClient } from '../../functions/adapters/sql/trino-client.ts'
import { AGGREGATES, encodeAggregates } from '../../functions/batch/aggregates-table.ts'
import type { History } from '../../functions/core/history.ts'
import { sqlType } from '../../functions/parquet/hive-type.ts'
import { emptyView } from '../support/factories.ts'
import { describeWithTrino, startTrino, TRINO_START_TIMEOUT_MS, type Trino } from './trino.ts'

/** History of images that all have the same NDVI. */
function historyOf(count: number, ndviMicro: number): History {
  const band = { count, sum: BigInt(count) * 100_000n }
  const moments = { squareSum: 0n, ndviSum: 0n, ndviSquareSum: 0n, productSum: 0n }
  const each = <Value>(value: Value) => ({ red: value, green: value, blue: value, nir: value, brightness: value })
  return {
    totals: {
      count,
      lateCount: 0,
      ndviSum: BigInt(count * ndviMicro),
      ndviSquareSum: BigInt(count) * BigInt(ndviMicro) ** 2n,
      ndviMin: ndviMicro,
      ndviMax: ndviMicro,
      bands: each(band),
    },
    moments: each(moments),
    time: { daySum: 0n, daySquareSum: 0n, productSum: 0n },
    histogram: new Map(),
  } as History
}

const QUESTION = `select class_name, ndvi_avg, ndvi_stddev, ndvi_global_min, red_avg, image_count, revision from ${AGGREGATES.newest} order by class_name`

describeWithTrino('the table landcover_aggregates', () => {
  let trino: Trino
  let connection: Awaited<ReturnType<Trino['freshArchive']>>['connection']
  let folder: string
  beforeAll(async () => {
    trino = await startTrino()
    ;({ connection, folder } = await trino.freshArchive())
    for (const revision of [9, 10]) {
      const file = join(folder, AGGREGATES.keyOf(revision))
      await mkdir(dirname(file), { recursive: true })
      const view = emptyView({ revision })
      const classes = new Map([
        ['River', historyOf(revision, -300_000)],
        ['Forest', historyOf(2 * revision, 750_000)],
      ])
      await writeFile(file, encodeAggregates(view, classes))
    }
    const client = openTrinoClient(connection)
    const columns = AGGREGATES.columns.map(({ name, type }) => `${name} ${sqlType(type)}`).join(', ')
    const location = `local:///${connection.schema}/${AGGREGATES.prefix}`
    await client.run(
      `create table ${AGGREGATES.all} (${columns}) with (external_location = '${location}', format = 'PARQUET')`,
    )
    await client.run(`create view ${AGGREGATES.newest} as ${AGGREGATES.sql}`)
    await client.close()
  }, TRINO_START_TIMEOUT_MS)
  afterAll(async () => {
    await trino?.stop()
  })

  test('is the newest revision, in Trino as in DuckDB', async () => {
    const client = openTrinoClient(connection)
    const { rows } = await client.run(QUESTION)
    await client.close()
    const duckdb = await DuckDBInstance.create(':memory:')
    const here = await duckdb.connect()
    const files = join(folder, AGGREGATES.prefix, '*.parquet')
    await here.run(`create view ${AGGREGATES.all} as select * from read_parquet('${files}')`)
    await here.run(`create view ${AGGREGATES.newest} as ${AGGREGATES.sql}`)
    const expected = (await here.runAndReadAll(QUESTION)).getRowObjectsJS()
    here.closeSync()
    duckdb.closeSync()
    const plain = (values: readonly unknown[]) =>
      values.map(value => (typeof value === 'bigint' ? Number(value) : value))
    const inDuckDb = expected.map(row => plain(Object.values(row)))
    expect(rows.map(plain)).toEqual(inDuckDb)
    expect(inDuckDb).toEqual([
      ['Forest', 0.75, 0, 0.75, 100, 20, 10],
      ['River', -0.3, 0, -0.3, 100, 10, 10],
    ])
  })

  test('has in the catalog the form of a view that Trino itself writes, which is that of the template', async () => {
    const metastore = join(folder, '..', 'metastore')
    const files = await readdir(metastore, { recursive: true })
    const texts = await Promise.all(
      files
        .filter(name => name.includes(AGGREGATES.newest))
        .map(name => readFile(join(metastore, name), 'utf8').catch(() => '')),
    )
    const [, base64 = ''] = /Presto View: ([\w+/=]+) \*/.exec(texts.join('\n')) ?? []
    const written = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'))
    expect(written.originalSql.replace(/\s+/g, ' ').toLowerCase()).toContain('max(revision)')
    const types = AGGREGATES.columns.map(({ name, type }) => ({
      name,
      type: type === 'timestamp' ? 'timestamp(3)' : sqlType(type),
    }))
    expect(written.columns.map(({ name, type }: { name: string; type: string }) => ({ name, type }))).toEqual(types)
  })
})
