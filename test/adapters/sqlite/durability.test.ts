import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openFolderObjectStore } from '../../../functions/adapters/files/object-store.ts'
import { openSqliteEventLog } from '../../../functions/adapters/sqlite/event-log.ts'
import { inodeOf, openCommitter, packPlaces } from '../../../functions/adapters/sqlite/log-writer.ts'
import { openSqliteSpeedStore } from '../../../functions/adapters/sqlite/speed-store.ts'
import { START } from '../../../functions/core/lane.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

/** SQLite's synchronous setting: each commit waits for the disk, or only checkpoints do. */
const FULL = 2
const NORMAL = 1

/** Settings in effect on a connection whenever one of its statements that names the table runs. */
function watchSynchronous(table: string): unknown[] {
  const seen: unknown[] = []
  let connection: DatabaseSync | undefined
  const { prepare } = DatabaseSync.prototype
  const { run } = StatementSync.prototype
  vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (this: DatabaseSync, sql, ...options) {
    if (sql.includes(table)) connection = this
    return prepare.call(this, sql, ...options)
  })
  vi.spyOn(StatementSync.prototype, 'run').mockImplementation(function (this: StatementSync, ...values) {
    if (connection && this.sourceSQL.includes(table)) {
      seen.push(prepare.call(connection, 'PRAGMA synchronous').get()?.synchronous)
    }
    return run.apply(this, values as Parameters<typeof run>)
  })
  onTestFinished(() => void vi.restoreAllMocks())
  return seen
}

describe('what must survive a power cut', () => {
  it('is on the disk before it is acknowledged: records of the log', async () => {
    const seen = watchSynchronous('INTO record')
    const file = join(temporaryFolder(), 'log.sqlite')
    await openSqliteEventLog({ file }).close()
    const commit = openCommitter({ file, inode: inodeOf(file) })
    const places = packPlaces([{ shard: 'a', data: Buffer.from('a') }])
    await commit({ kind: 'append', places, now: { wallMs: 0, upMs: 0, boot: '' } })
    expect(seen).toEqual([FULL])
  })

  it('is on the disk before it is acknowledged: claims of a redrive, and their marks; other writes do not wait', async () => {
    const seen = watchSynchronous('quarantine_redrives')
    const store = openSqliteSpeedStore(join(temporaryFolder(), 'store.sqlite'))
    onTestFinished(() => store.close())
    const entry = { lane: 'a', position: START, line: 0 }
    await store.claimRedrive({ producer: 'p', entry, claimedMs: 0, log: 'log', lane: null })
    await store.markRedriven('p', 1)
    expect(seen).toEqual([FULL, FULL])
    vi.restoreAllMocks()
    const others = watchSynchronous('')
    await store.expire(0)
    expect(others.every(each => each === NORMAL)).toBe(true)
  })

  it('is on the disk before it appears: an object, and its name', async () => {
    const folder = temporaryFolder()
    const handle = await open(folder, 'r')
    const files = Object.getPrototypeOf(handle) as typeof handle
    await handle.close()
    const seen: string[][] = []
    const { sync } = files
    vi.spyOn(files, 'sync').mockImplementation(function (this: typeof handle) {
      seen.push(readdirSync(folder).map(name => (name.endsWith('.unfinished') ? 'unfinished' : name)))
      return sync.call(this)
    })
    onTestFinished(() => void vi.restoreAllMocks())
    const objects = openFolderObjectStore(folder)
    await objects.put('a', Buffer.from('1'))
    await objects.putIfAbsent('b', Buffer.from('2'))
    expect(seen).toEqual([['unfinished'], ['a'], ['unfinished', 'a'], ['unfinished', 'a', 'b']])
  })
})

it('an object that cannot be written leaves nothing behind', async () => {
  const folder = temporaryFolder()
  const handle = await open(folder, 'r')
  const files = Object.getPrototypeOf(handle) as typeof handle
  await handle.close()
  vi.spyOn(files, 'writeFile').mockRejectedValue(new Error('no room'))
  onTestFinished(() => void vi.restoreAllMocks())
  const objects = openFolderObjectStore(folder)
  await expect(objects.put('a', Buffer.from('1'))).rejects.toThrow('no room')
  await expect(objects.putIfAbsent('b', Buffer.from('1'))).rejects.toThrow('no room')
  expect(readdirSync(folder)).toEqual([])
})

it.each([
  ['removed', (file: string) => rmSync(file)],
  [
    'replaced by another',
    (file: string) => {
      writeFileSync(`${file}.new`, '')
      renameSync(`${file}.new`, file)
    },
  ],
])('a log whose file was %s accepts no more records', async (_, change) => {
  const file = join(temporaryFolder(), 'log.sqlite')
  const log = openSqliteEventLog({ file })
  onTestFinished(() => log.close())
  await log.append([{ key: 'a', data: Buffer.from('a') }])
  change(file)
  await expect(log.append([{ key: 'a', data: Buffer.from('b') }])).rejects.toThrow(`the log ${file} was removed`)
})
