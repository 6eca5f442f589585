import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { createTableCql, STORE_FORMAT, TABLES } from '../../functions/adapters/cassandra/tables.ts'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { producersToText, totalsToText } from '../../functions/adapters/row-encoding/row-encoding.ts'
import { openSqliteCheckpoints } from '../../functions/adapters/sqlite/checkpoints.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { openSqliteSpeedStore } from '../../functions/adapters/sqlite/speed-store.ts'
import { ARCHIVE_COLUMNS } from '../../functions/archive/parquet.ts'
import { encodeView, VIEW_FORMAT, type View, viewKey } from '../../functions/batch/view.ts'
import { emptyTotals } from '../../functions/core/totals.ts'
import { readEnvironment } from '../../functions/runtime/config/environment.ts'
import { endpointsOf } from '../../functions/runtime/local/endpoints.ts'
import { openLocalRuntime } from '../../functions/runtime/local/runtime.ts'
import { SETTINGS_FORMAT } from '../../functions/runtime/local/settings.ts'
import { openState } from '../../functions/runtime/local/state.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const HOW = 'A stored form changed. Raise its format, take the older one over, and only then update this snapshot.'
const VIEW: View = {
  revision: 1,
  cut: 0,
  classesKey: 'classes',
  classesSha256: 'x',
  parts: {},
  imports: [],
  watched: {},
  publishedAt: '2026-11-26T00:00:00Z',
  audit: {} as View['audit'],
}

/** The statements by which a database's tables and indexes were made, in one line each. */
function schemaOf(file: string): string[] {
  const database = new DatabaseSync(file)
  const rows = database.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').all()
  database.close()
  return rows.map(({ sql }) => String(sql).replaceAll(/\s+/g, ' '))
}

it('no stored form changes under the format number that it has', async () => {
  const folder = temporaryFolder()
  const file = (name: string) => join(folder, name)
  const settings = await openState(folder, { slotMs: 60_000, demo: false, createdMs: 1 })
  await openSqliteSpeedStore(file('store')).close()
  await openSqliteEventLog({ file: file('log') }).close()
  await openSqliteCheckpoints(file('checkpoints')).close()
  const forms = {
    settings: [SETTINGS_FORMAT, Object.keys(settings)],
    store: [STORE_FORMAT, schemaOf(file('store')), TABLES.map(table => createTableCql('k', table))],
    texts: [
      totalsToText(new Map([['a', emptyTotals()]])),
      producersToText(new Map([['p', [{ counter: 1, slot: 2 }]]])),
    ],
    log: schemaOf(file('log')),
    checkpoints: schemaOf(file('checkpoints')),
    view: [VIEW_FORMAT, Object.keys(JSON.parse(Buffer.from(encodeView(VIEW)).toString()))],
    archive: ARCHIVE_COLUMNS.map(({ name, type, nullable = false }) => `${name} ${type}${nullable ? '' : ' NOT NULL'}`),
  }
  expect(forms, HOW).toMatchSnapshot()
})

it.each([
  [
    'of a format to come',
    Buffer.from(encodeView({ ...VIEW, format: VIEW_FORMAT + 1 } as View)),
    `has format ${VIEW_FORMAT + 1}`,
  ],
  [
    'from before format 1',
    Buffer.from('{"revision":1,"cut":0,"totalsKey":"a","imports":[],"publishedAt":"2026-11-23","audit":{}}'),
    'has no format: a landcover from before format 1 wrote it',
  ],
])('a state with a view %s is refused by name, instead of answers that fail for ever', async (_, bytes, told) => {
  const folder = temporaryFolder()
  const settings = await openState(folder, { slotMs: 60_000, demo: false, createdMs: 1 })
  await openFolderObjectStore(join(folder, 'objects')).put(viewKey(1), bytes)
  const servers = endpointsOf(folder, settings, { log: undefined, store: undefined })
  const open = () => openLocalRuntime(folder, settings, servers, readEnvironment({}), () => {})
  await expect(open()).rejects.toThrow(`the view ${viewKey(1)} ${told}`)
  // A damaged one is none of an unknown format: the layers say what to do.
  writeFileSync(join(folder, 'objects', viewKey(1)), bytes.subarray(1))
  await (await open()).close()
})
