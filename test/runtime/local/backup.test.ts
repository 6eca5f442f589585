import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openFolderObjectStore } from '../../../functions/adapters/files/object-store.ts'
import { openSqliteEventLog } from '../../../functions/adapters/sqlite/event-log.ts'
import { openSqliteSpeedStore } from '../../../functions/adapters/sqlite/speed-store.ts'
import { type Lane, START, toPosition } from '../../../functions/core/lane.ts'
import { publishScene } from '../../../functions/images/output/publish.ts'
import { timeFromEpoch } from '../../../functions/ingest/retry.ts'
import { backupState } from '../../../functions/runtime/local/backup.ts'
import { logFile, objectsFolder, openState, storeFile } from '../../../functions/runtime/local/state.ts'
import { someEvents } from '../../support/events-csv.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const CLAIM = { entry: { lane: 'a', position: toPosition(1), line: null }, claimedMs: 1, log: 'a', lane: null }

/** A state of which the copy stops in the middle of the objects, until it is told to go on. */
async function stateWithPause() {
  const folder = temporaryFolder()
  await openState(folder, { slotMs: 60_000, demo: false, createdMs: 1 })
  const log = openSqliteEventLog({ file: logFile(folder), shards: 1 })
  const store = openSqliteSpeedStore(storeFile(folder))
  const objects = openFolderObjectStore(objectsFolder(folder))
  await objects.put('archive/a', Buffer.from('a'))
  const pipe = join(objectsFolder(folder), 'archive', 'b')
  execFileSync('mkfifo', [pipe])
  const copy = join(temporaryFolder(), 'copy')
  const copying = backupState(folder, copy, () => 1)
  while (!existsSync(join(objectsFolder(copy), 'archive', 'a'))) await sleep(5)
  async function finish() {
    writeFileSync(pipe, 'b')
    const { files } = await copying
    await Promise.all([log.close(), store.close()])
    const copied = { log: openSqliteEventLog({ file: logFile(copy) }), store: openSqliteSpeedStore(storeFile(copy)) }
    return { ...copied, objects: openFolderObjectStore(objectsFolder(copy)), files: Object.keys(files) }
  }
  return { log, store, objects, finish }
}

it('a backup has the log that its store and archive have read: what arrives during the copy is in the log', async () => {
  const { log, finish } = await stateWithPause()
  const [{ name: lane }] = (await log.lanes()) as [Lane]
  await log.append([{ lane, data: Buffer.from('late') }])
  const copy = await finish()
  expect((await copy.log.read(lane, START, 10)).map(({ data }) => Buffer.from(data).toString())).toEqual(['late'])
  await Promise.all([copy.log.close(), copy.store.close()])
})

it('a backup has the claims of what is appended during the copy, without their marks: they are not appended again', async () => {
  const { log, store, objects, finish } = await stateWithPause()
  const scene = { identity: 'scene', processingVersion: null, events: someEvents(2) }
  const publisher = { objects, log, time: timeFromEpoch() }
  expect(await publishScene(publisher, scene)).toMatchObject({ published: 2 })
  await store.claimRedrive({ ...CLAIM, producer: 'redrive-a' })
  await store.markRedriven('redrive-a', 2)
  const copy = await finish()
  expect(await copy.store.readRedrives(['redrive-a'])).toEqual([{ ...CLAIM, producer: 'redrive-a', appendedMs: null }])
  const keys = (await Array.fromAsync(copy.objects.list('observed/'))).map(key => key.split('/').at(-1))
  expect(keys).toEqual(['claim.json', 'events.json'])
  expect(copy.files.filter(file => file.startsWith('objects/observed/'))).toHaveLength(2)
  // The same records again, under the same producer and counter: the lane drops copies.
  const again = { ...publisher, objects: copy.objects, log: copy.log }
  expect(await publishScene(again, { ...scene, events: someEvents(3) })).toMatchObject({ published: 3 })
  const [{ name: lane }] = (await copy.log.lanes()) as [Lane]
  const [first, second] = await copy.log.read(lane, START, 10)
  expect(second?.data).toEqual(first?.data)
  await Promise.all([copy.log.close(), copy.store.close()])
})
