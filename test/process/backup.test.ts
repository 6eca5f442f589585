import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { compactArchive } from '../../functions/archive/compaction.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { backupState, restoreState } from '../../functions/runtime/local/backup.ts'
import { openState } from '../../functions/runtime/local/state.ts'
import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import { someEvents } from '../support/events-csv.ts'
import {
  eventually,
  runBackup,
  runBatch,
  runRestore,
  type System,
  startSystem,
  totalCount,
} from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SLOT_MS = 2_000

/** Posts events of a class, each in its own record, until it is stopped. */
function stream({ url }: System, className: string): { acknowledged(): number; stop(): Promise<number> } {
  const [event] = someEvents(1)
  let acknowledged = 0
  let isWanted = true
  const streaming = (async () => {
    for (let sent = 0; isWanted; sent++) {
      const body = JSON.stringify({ ...event, image_id: `${className}-${sent}`, class_name: className })
      const headers = { 'Content-Type': 'application/json' }
      const { status } = await fetch(`${url}/api/events`, { method: 'POST', headers, body })
      if (status === 202) acknowledged++
    }
  })()
  return {
    acknowledged: () => acknowledged,
    async stop() {
      isWanted = false
      await streaming
      return acknowledged
    },
  }
}

const countOf = (rows: ClassStatsRow[], name: string) => totalCount(rows.filter(row => row.class_name === name))

it('a backup of a running system has everything that was acknowledged before it began, once, and can be continued', async () => {
  const state = join(temporaryFolder(), 'state')
  const backup = join(temporaryFolder(), 'backup')
  const restored = join(temporaryFolder(), 'restored')
  const system = await startSystem(state, ['--slot', `${SLOT_MS / 1000}s`])
  const streamed = stream(system, 'Forest')
  const cutOf = async () => (await system.health()).batch.cut
  await eventually(cutOf, cut => cut !== null)

  // Files of the archive are compacted and deleted while they are copied.
  const objects = openFolderObjectStore(join(state, 'objects'))
  let isCompacting = true
  const compacting = (async () => {
    for (let nowMs = Date.now(); isCompacting; nowMs += 2 * HOUR_MS) {
      await compactArchive({ objects, slotMs: SLOT_MS, before: Date.now() - 60_000, now: () => nowMs })
    }
  })()
  const before = streamed.acknowledged()
  const { code, stdout, stderr } = await runBackup(['--state', state, backup]).finished
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^\d+ files, \d+ bytes in /)
  isCompacting = false
  await compacting
  const all = await streamed.stop()
  await system.interrupt()

  const { startedMs } = JSON.parse(readFileSync(join(backup, 'backup.json'), 'utf8')) as { startedMs: number }
  expect(await runRestore(['--from', backup, '--state', restored]).finished).toMatchObject({
    ...{ code: 0, stderr: '' },
    stdout: expect.stringContaining(`acknowledged before ${new Date(startedMs).toISOString()}: npm start`),
  })
  const again = await startSystem(restored)
  const rows = await eventually(again.classStats, found => countOf(found, 'Forest') >= before)
  expect(countOf(rows, 'Forest')).toBeLessThanOrEqual(all)
  const further = stream(again, 'SeaLake')
  await eventually(again.classStats, found => countOf(found, 'SeaLake') >= 5)
  const added = await further.stop()
  await eventually(again.classStats, found => countOf(found, 'SeaLake') === added)
  // Both layers have the same counts in every slot that the view has counted since.
  const last = Date.now()
  await eventually(again.health, ({ batch }) => batch.cut !== null && Date.parse(batch.cut) > last)
  const joined = await again.classStats()
  expect(countOf(joined, 'SeaLake')).toBe(added)
  const inView = await again.get<{ class_name: string; count: number }[]>('/api/batch/class-stats')
  expect(totalCount(inView)).toBe(totalCount(joined))
  await again.interrupt()
  expect(await runBatch(['--state', restored]).finished).toMatchObject({ code: 0 })
})

it('copies everything from an object store from which files disappear during the copy', async () => {
  const state = temporaryFolder()
  await openState(state, { slotMs: 60_000, demo: false, createdMs: 1 })
  const objects = openFolderObjectStore(join(state, 'objects'))
  const put = (key: string) => objects.put(key, Buffer.from(key))
  for (let n = 0; n < 300; n++) await put(`archive/small-${String(n).padStart(3, '0')}`)
  await put('views/1.json')
  const backup = join(temporaryFolder(), 'backup')
  const copying = backupState(state, backup, () => 5)
  // The file that holds the records of all small files is written before these are deleted.
  await put('archive/large')
  await put('views/2.json')
  for (let n = 299; n >= 0; n--) await objects.delete(`archive/small-${String(n).padStart(3, '0')}`)
  await objects.delete('views/1.json')
  const { startedMs, files } = await copying
  expect(startedMs).toBe(5)
  const copied = await Array.fromAsync(openFolderObjectStore(join(backup, 'objects')).list(''))
  expect(copied).toEqual(expect.arrayContaining(['archive/large', 'views/2.json']))
  expect(
    Object.keys(files)
      .filter(path => path.startsWith('objects/'))
      .sort(),
  ).toEqual(copied.map(key => `objects/${key}`).sort())
  const target = join(temporaryFolder(), 'state')
  await restoreState(backup, target)
  expect(readdirSync(target).sort()).toEqual(['landcover.json', 'objects'])
})

it('a backup that is damaged or incomplete is refused with the name of the file, and no folder is created', async () => {
  const state = temporaryFolder()
  await openState(state, { slotMs: 60_000, demo: false, createdMs: 1 })
  await openFolderObjectStore(join(state, 'objects')).put('archive/a', Buffer.from('events'))
  const target = join(temporaryFolder(), 'target')
  const damages: [(backup: string) => void, string][] = [
    [backup => rmSync(join(backup, 'backup.json')), 'is not a complete backup: it has no backup.json'],
    [backup => truncateSync(join(backup, 'backup.json'), 9), 'backup.json cannot be used'],
    [backup => rmSync(join(backup, 'objects/archive/a')), 'is not whole: objects/archive/a is missing'],
    [
      backup => writeFileSync(join(backup, 'objects/archive/a'), 'Events'),
      'is damaged: objects/archive/a is not as it',
    ],
    [backup => writeFileSync(join(backup, 'objects/archive/a'), 'event'), 'is damaged: objects/archive/a is not as it'],
    [backup => writeFileSync(join(backup, 'landcover.json'), '{}'), 'is damaged: landcover.json is not as it'],
  ]
  for (const [damage, told] of damages) {
    const backup = join(temporaryFolder(), 'backup')
    await backupState(state, backup, () => 1)
    damage(backup)
    await expect(restoreState(backup, target)).rejects.toThrow(told)
    expect(existsSync(target)).toBe(false)
  }
})

it('a backup and a restore do not touch a folder that is not empty', async () => {
  const state = temporaryFolder()
  await openState(state, { slotMs: 60_000, demo: false, createdMs: 1 })
  const used = temporaryFolder()
  writeFileSync(join(used, 'thesis.txt'), 'mine')
  await expect(backupState(state, used, () => 1)).rejects.toThrow(`${used} is not empty`)
  const backup = join(temporaryFolder(), 'backup')
  mkdirSync(backup)
  await backupState(state, backup, () => 1)
  await expect(restoreState(backup, used)).rejects.toThrow(`${used} is not empty`)
  expect(readdirSync(used)).toEqual(['thesis.txt'])
  const empty = temporaryFolder()
  await restoreState(backup, empty)
  expect(readFileSync(join(empty, 'landcover.json'), 'utf8')).toBe(readFileSync(join(state, 'landcover.json'), 'utf8'))
  await expect(backupState(temporaryFolder(), join(used, 'new'), () => 1)).rejects.toThrow(
    'there is no landcover state',
  )
})

it('backup and restore say what is missing on their command lines', async () => {
  const [backup, restore, many] = await Promise.all([
    runBackup([]).finished,
    runRestore([]).finished,
    runBackup(['a', 'b']).finished,
  ])
  expect(backup).toMatchObject({ code: 2, stderr: 'DIR is missing: the folder to copy to\nSee --help.\n' })
  expect(restore).toMatchObject({ code: 2, stderr: expect.stringContaining('--from DIR is missing') })
  expect(many).toMatchObject({ code: 2, stderr: "'b' is one argument too many\nSee --help.\n" })
})
