import { expect, test } from 'vitest'
import { createTableCql, TABLES } from '../../../functions/adapters/cassandra/tables.ts'

test('every name is valid in Keyspaces: two characters or more, lower case', () => {
  for (const { name, partitionKey, clustering, columns } of TABLES) {
    for (const given of [name, ...[...partitionKey, ...clustering, ...columns].map(column => column.name)]) {
      expect(given).toMatch(/^[a-z][a-z0-9_]{1,47}$/)
    }
  }
})

test('no table has a column twice, and no two tables have the same name', () => {
  expect(new Set(TABLES.map(table => table.name)).size).toBe(TABLES.length)
  for (const { partitionKey, clustering, columns } of TABLES) {
    const names = [...partitionKey, ...clustering, ...columns].map(column => column.name)
    expect(new Set(names).size).toBe(names.length)
  }
})

test('only rows that the batch layer recomputes, or that belong to a day, expire', () => {
  const days = new Map(TABLES.map(({ name, ttlSeconds }) => [name, ttlSeconds === null ? null : ttlSeconds / 86_400]))
  expect(days).toEqual(
    new Map([
      ['store_settings', null],
      ['lane_cursor', null],
      ['realtime_ndvi_by_class', 28],
      // Written once, and needed as long as any row of its day can be.
      ['realtime_days', 56],
      ['anomaly_alerts', 28],
      ['quarantine', null],
      ['quarantine_hours', null],
      ['quarantine_bytes', null],
      ['quarantine_redrives', null],
    ]),
  )
})

test('writes a table as CQL', () => {
  const table = TABLES.find(({ name }) => name === 'anomaly_alerts')
  expect(table && createTableCql('landcover', table)).toBe(
    'CREATE TABLE IF NOT EXISTS landcover.anomaly_alerts (class_name text, day text, event_ms bigint, image_id text, ' +
      'ndvi_mean int, ndvi_min int, ndvi_max int, rule text, score double, baseline_version bigint, ' +
      'PRIMARY KEY ((class_name, day), event_ms, image_id)) ' +
      'WITH CLUSTERING ORDER BY (event_ms DESC, image_id DESC) AND default_time_to_live = 2419200',
  )
})
