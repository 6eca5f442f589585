import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { eventually, run, runProduce, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SLOT_MS = 2_000
const EVENTS = 300

const replay = (state: string) => run('functions/cli/replay.ts', ['--state', state]).finished

/** Waits until the archive has all records that are in the log now. @returns the sequence number of the last of them */
async function untilArchived(state: string): Promise<number> {
  const open = (name: string) => new DatabaseSync(join(state, `${name}.sqlite`), { readOnly: true })
  const [log, store] = [open('log'), open('store')]
  const { last } = log.prepare('SELECT max(sequence) AS last FROM record').get() as { last: number }
  const { shards } = log.prepare('SELECT count(*) AS shards FROM shard').get() as { shards: number }
  const beyond = store.prepare(
    `SELECT count(*) AS count FROM checkpoint WHERE consumer = 'archive' AND CAST(position AS INTEGER) > ?`,
  )
  // Heartbeats come after the last of them, in every lane.
  await eventually(
    async () => beyond.get(last) as { count: number },
    ({ count }) => count === shards,
  )
  log.close()
  store.close()
  return last
}

/** A system that has counted some events, and is stopped. */
async function systemThatCounted() {
  const folder = temporaryFolder()
  const state = join(folder, 'state')
  const system = await startSystem(state, ['--slot', '2s'])
  const file = writeEvents(join(folder, 'events.csv'), someEvents(EVENTS))
  await runProduce(['--data', file, '--state', state, '--limit', '0', '--delay', '0']).finished
  await eventually(system.health, ({ batch }) => batch.images === EVENTS)
  await runProduce(['--data', file, '--state', state, '--limit', '100', '--delay', '0.01']).finished
  await eventually(system.classStats, rows => totalCount(rows) === EVENTS + 100)
  const archivedUpTo = await untilArchived(state)
  // A file is known to be whole once another begins behind it.
  await untilArchived(state)
  const before = await system.classStats()
  await system.interrupt()
  return { state, before, archivedUpTo }
}

describe('npm run replay', () => {
  it('restores events of a lost speed store that no view counts, when the log no longer has their records', async () => {
    const { state, before, archivedUpTo } = await systemThatCounted()
    for (const ending of ['', '-wal', '-shm']) rmSync(join(state, `store.sqlite${ending}`), { force: true })
    const log = new DatabaseSync(join(state, 'log.sqlite'))
    log.exec(`DELETE FROM record WHERE sequence <= ${archivedUpTo}`)
    log.close()

    const { code, stdout, stderr } = await replay(state)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^\d+ events of \d+ records replayed into \d lanes\n$/)
    expect(code).toBe(0)
    const system = await startSystem(state)
    expect(await system.classStats()).toEqual(before)
    // Neither does it change when the log is read again, and slots are counted.
    await sleep(3 * SLOT_MS)
    expect(await system.classStats()).toEqual(before)
    expect((await system.health()).reasons).toEqual([])
  })

  it('does not touch a store that is not lost, or a running system', async () => {
    const state = join(temporaryFolder(), 'state')
    const system = await startSystem(state)
    await eventually(system.health, ({ speed }) => speed.lanes.length > 0)
    expect(await replay(state)).toMatchObject({ code: 1, stderr: expect.stringContaining('is already running on') })
    await system.interrupt()
    expect(await replay(state)).toMatchObject({ code: 1, stderr: expect.stringContaining('only an empty one') })
  })
})
