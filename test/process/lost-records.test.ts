import { copyFileSync, cpSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { laneName } from '../../functions/core/lane.ts'
import { readEnvironment } from '../../functions/runtime/config/environment.ts'
import { openLog } from '../../functions/runtime/local/log.ts'
import { someEvents } from '../support/events-csv.ts'
import {
  eventually,
  runBatch,
  runProduce,
  runStart,
  type System,
  startSystem,
  totalCount,
} from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const LOG_FILES = ['log.sqlite', 'log.sqlite-wal', 'log.sqlite-shm']
const ARGS = ['--slot', '10s']

/** Posts events, each in its own record. @returns number of acknowledged events */
async function post({ url }: System, count: number, className = 'Forest'): Promise<number> {
  let acknowledged = 0
  for (const event of someEvents(count)) {
    const headers = { 'Content-Type': 'application/json' }
    const { status } = await fetch(`${url}/api/events`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ ...event, class_name: className }),
    })
    if (status === 202) acknowledged++
  }
  return acknowledged
}

const counts = (system: System, count: number) => eventually(system.classStats, rows => totalCount(rows) === count)

/** A state with an older copy of its log: the log has 10 events, but 40 were counted. */
async function stateBehind(): Promise<string> {
  const state = join(temporaryFolder(), 'state')
  const backup = join(temporaryFolder(), 'log.sqlite')
  let system = await startSystem(state, ARGS)
  await post(system, 10)
  await counts(system, 10)
  await system.interrupt()
  copyFileSync(join(state, 'log.sqlite'), backup)
  system = await startSystem(state, ARGS)
  await post(system, 30)
  await counts(system, 40)
  await system.interrupt()
  for (const name of LOG_FILES) rmSync(join(state, name), { force: true })
  copyFileSync(backup, join(state, 'log.sqlite'))
  return state
}

describe('a log that has lost records which were read', () => {
  it('is refused by every command that would append or consume, with the number of missing records', async () => {
    const state = await stateBehind()
    const ended = [
      runStart(['--no-demo', '--port', '0', '--state', state]),
      runBatch(['--state', state]),
      runProduce(['--state', state]),
    ]
    for (const { finished } of ended) {
      const { code, stderr } = await finished
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /log\.sqlite has lost records that were read: lane embedded-\S+ ends at \d+, and was read up to \d+ \(\d+ records or less\)/,
      )
      expect(stderr).toContain('npm run restore -- --from BACKUP')
      expect(stderr).toContain('npm start -- --accept-lost-records')
    }
  })

  it('continues after the records that were read when that is accepted, and loses nothing that it acknowledges then', async () => {
    const state = await stateBehind()
    const system = await startSystem(state, ['--accept-lost-records'])
    expect(await post(system, 25)).toBe(25)
    await counts(system, 65)
    await system.interrupt()
    const missing = system
      .stderr()
      .matchAll(/\((\d+) records or less\)/g)
      .map(([, count]) => Number(count))
    expect(Math.max(...missing)).toBeGreaterThanOrEqual(30)
    const again = await startSystem(state)
    expect(totalCount(await again.classStats())).toBe(65)
  })

  it('is refused also when it has grown past what was read, and its unread records are appended again', async () => {
    const state = await stateBehind()
    const { log } = await openLog({ kind: 'embedded', file: join(state, 'log.sqlite') }, readEnvironment({}))
    const lanes = ['shardId-000000000000', 'shardId-000000000001'].map(shard => laneName(log.identity, shard))
    for (const [index, event] of someEvents(200).entries()) {
      await log.append([{ lane: lanes[index % 2] as string, data: Buffer.from(JSON.stringify(event)) }])
    }
    await log.close()
    const { code, stderr } = await runStart(['--no-demo', '--port', '0', '--state', state]).finished
    expect([code, stderr]).toEqual([1, expect.stringMatching(/was cut and has grown again: its record \d+ arrived at/)])
    const system = await startSystem(state, ['--accept-lost-records'])
    await counts(system, 240)
  })

  it.each([
    ['removed', (file: string) => rmSync(file)],
    ['emptied', (file: string) => truncateSync(file)],
  ])('is refused when its file was %s, and a new one is used when that is accepted', async (_, harm) => {
    const state = join(temporaryFolder(), 'state')
    let system = await startSystem(state, ARGS)
    await post(system, 10)
    await counts(system, 10)
    await system.kill()
    for (const name of ['log.sqlite-wal', 'log.sqlite-shm']) rmSync(join(state, name), { force: true })
    harm(join(state, 'log.sqlite'))
    for (const { finished } of [
      runStart(['--no-demo', '--port', '0', '--state', state]),
      runProduce(['--state', state]),
    ]) {
      const { code, stderr } = await finished
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/log\.sqlite is not the log that was read: .* read up to \d/),
      ])
      expect(stderr).toContain('npm start -- --accept-lost-records')
    }
    system = await startSystem(state, ['--accept-lost-records'])
    expect(system.stderr()).toContain('accepted:')
    expect(await post(system, 5)).toBe(5)
    await counts(system, 15)
    await system.interrupt()
    system = await startSystem(state)
    expect(totalCount(await system.classStats())).toBe(15)
  })

  it('is refused when a write-ahead log was truncated after kill -9', async () => {
    const state = join(temporaryFolder(), 'state')
    const system = await startSystem(state, ARGS)
    await post(system, 10)
    await counts(system, 10)
    await system.kill()
    const wal = join(state, 'log.sqlite-wal')
    truncateSync(wal, Math.floor(statSync(wal).size / 2))
    const { code, stderr } = await runStart(['--no-demo', '--port', '0', '--state', state]).finished
    expect([code, stderr]).toEqual([1, expect.stringContaining('has lost records that were read')])
  })

  it('a plain copy of a running folder is refused, or counts everything that it acknowledges', async () => {
    const state = join(temporaryFolder(), 'state')
    const system = await startSystem(state, ARGS)
    const posting = post(system, 300)
    for (let round = 0; round < 3; round++) {
      const copy = join(temporaryFolder(), 'copy')
      await eventually(system.classStats, rows => totalCount(rows) >= 40 * (round + 1))
      cpSync(state, copy, { recursive: true, filter: source => !source.includes('.unfinished') })
      const copied = await startSystem(copy).catch((error: Error) => error)
      if (copied instanceof Error) {
        expect(copied.message).toMatch(/has lost records that were read|malformed|not a database/)
        continue
      }
      expect(await post(copied, 10, 'SeaLake')).toBe(10)
      const ofCopy = ({ class_name: name }: { class_name: string }) => name === 'SeaLake'
      await eventually(copied.classStats, rows => totalCount(rows.filter(ofCopy)) === 10)
      await copied.interrupt()
    }
    await posting
  })
})
