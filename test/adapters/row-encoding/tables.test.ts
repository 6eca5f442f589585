import { expect, test } from 'vitest'
import { createTableCql, replaceRowCql } from '../../../functions/adapters/cassandra/cql.ts'
import {
  CURSOR_FORM,
  claimToCells,
  QUARANTINE_FORM,
  SETTINGS_FORM,
  TOTALS_FORM,
  UNUSUAL_IMAGE_FORM,
} from '../../../functions/adapters/row-encoding/speed-rows.ts'
import {
  columnsOf,
  cursorTable,
  quarantineTable,
  redrivesTable,
  settingsTable,
  TABLES,
  totalsTable,
  unusualImagesTable,
} from '../../../functions/adapters/row-encoding/tables.ts'

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

const columnsIn = (form: object) => Object.values(form).map(({ column }: { column: string }) => column)
const CLAIM = { producer: 'p', entry: { lane: 'a', position: '1', line: 0 }, claimedMs: 1, log: 'l', lane: null }

test.each([
  // The name of the only row is not a field of the settings.
  [settingsTable, ['name', ...columnsIn(SETTINGS_FORM)]],
  [cursorTable, columnsIn(CURSOR_FORM)],
  [totalsTable, columnsIn(TOTALS_FORM)],
  [unusualImagesTable, columnsIn(UNUSUAL_IMAGE_FORM)],
  // A store may divide the bytes, so it encodes them itself.
  [quarantineTable, [...columnsIn(QUARANTINE_FORM), 'bytes']],
  // The time of the append is set later.
  [redrivesTable, [...Object.keys(claimToCells(CLAIM)), 'appended_ms']],
])('each column of $name has exactly one field', (table, columns) => {
  const declared = columnsOf(table).filter(({ only }) => only === undefined)
  expect(columns.sort()).toEqual(declared.map(({ name }) => name).sort())
})

test('replaces a row in CQL by its whole key, if its last position is as expected', () => {
  const cells = { lane: 'a', arrival_day: 'd', arrival_slot: 1, window_start: 2, last_sequence: '8', totals: '[]' }
  const [cql, values] = replaceRowCql('k', totalsTable, cells, { last_sequence: '7' })
  expect(cql.replaceAll(/\s+/g, ' ')).toBe(
    'UPDATE k.realtime_ndvi_by_class SET last_sequence = ?, totals = ? ' +
      'WHERE lane = ? AND arrival_day = ? AND arrival_slot = ? AND window_start = ? IF last_sequence = ?',
  )
  expect(values).toEqual(['8', '[]', 'a', 'd', 1, 2, '7'])
  const { arrival_day: _, ...withoutDay } = cells
  expect(() => replaceRowCql('k', totalsTable, withoutDay, { last_sequence: '7' })).toThrow('arrival_day')
})
