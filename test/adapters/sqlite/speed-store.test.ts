import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { STORE_FORMAT } from '../../../functions/adapters/row-encoding/tables.ts'
import { openSqliteSpeedStore } from '../../../functions/adapters/sqlite/speed-store.ts'
import type { Cursor } from '../../../functions/core/cursor.ts'
import { ensureCompatibleStore } from '../../../functions/runtime/store-compatibility.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const SLOT_MS = 60_000
const IT = { name: 'it', slotMs: SLOT_MS, systemId: 'own', emptying: 'empty it' }

describe('the embedded speed store', () => {
  test.for([
    [1, ['store_settings.system_id', 'lane_cursor.lost_records', 'lane_cursor.last_loss_ms']],
    [2, ['lane_cursor.last_loss_ms']],
  ] as const)(
    'gives a file of format %i its newer columns, and its cursors have lost nothing',
    async ([format, newer]) => {
      const file = await storeWithout(format, ...newer)
      const store = openSqliteSpeedStore(file)
      await ensureCompatibleStore(store, IT)
      const cursor = (await store.readCursor('a')) as Cursor
      expect(cursor).toMatchObject({ lastPosition: '7', quarantined: 3, lostRecords: 0, lastLossMs: null })
      const lossy = { ...cursor, lastPosition: '8', lostRecords: 2, lastLossMs: SLOT_MS }
      expect(await store.moveCursor(lossy, '7')).toBe(true)
      expect(await store.readCursor('a')).toEqual(lossy)
      expect(await store.initSettings({ format: 9, slotMs: 1, systemId: 'x' })).toMatchObject({
        format: STORE_FORMAT,
        slotMs: SLOT_MS,
      })
      await store.close()
    },
  )

  test.for([
    [1, 'lane_cursor', 'quarantined'],
    [1, 'quarantine', 'detail'],
    [2, 'lane_cursor', 'lost_records'],
    [STORE_FORMAT, 'lane_cursor', 'last_loss_ms'],
    [STORE_FORMAT, 'store_settings', 'system_id'],
  ] as const)('of format %i without %s.%s is refused by name, and left as it is', async ([format, table, column]) => {
    const file = await storeWithout(format, `${table}.${column}`)
    const named = `${file} is damaged. The table ${table} lacks the column ${column}.`
    for (let attempt = 0; attempt < 2; attempt++) expect(() => openSqliteSpeedStore(file)).toThrow(named)
  })

  test('with a newer format, or a format older than all, is refused', async () => {
    for (const format of [0, STORE_FORMAT + 1]) {
      const store = openSqliteSpeedStore(await storeWithout(format))
      await expect(ensureCompatibleStore(store, IT)).rejects.toThrow(
        `it has format ${format}, this landcover reads 1 to`,
      )
      await store.close()
    }
  })
})

/** Makes a store's file with a cursor, in a given format, without some columns. */
async function storeWithout(format: number, ...columns: string[]): Promise<string> {
  const file = join(temporaryFolder(), 'store.sqlite')
  await openSqliteSpeedStore(file).close()
  const database = new DatabaseSync(file)
  database
    .prepare("INSERT INTO store_settings (name, format, slot_ms) VALUES ('speed-store', ?, ?)")
    .run(format, SLOT_MS)
  database.exec("INSERT INTO lane_cursor (lane, last_sequence, producers, quarantined) VALUES ('a', '7', '[]', 3)")
  for (const column of columns) {
    const [table, name] = column.split('.')
    database.exec(`ALTER TABLE ${table} DROP COLUMN ${name}`)
  }
  database.close()
  return file
}
