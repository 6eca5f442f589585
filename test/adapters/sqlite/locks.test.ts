import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { openSqliteCheckpoints } from '../../../functions/adapters/sqlite/checkpoints.ts'
import { openDatabase, transaction, whenFree } from '../../../functions/adapters/sqlite/database.ts'
import { openSqliteEventLog } from '../../../functions/adapters/sqlite/event-log.ts'
import { openSqliteSpeedStore } from '../../../functions/adapters/sqlite/speed-store.ts'
import { newCursor } from '../../../functions/core/cursor.ts'
import { START, toPosition } from '../../../functions/core/lane.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const file = () => join(temporaryFolder(), 'file.sqlite')

/** A process that is stopped inside a transaction, for example by Ctrl-Z. */
function standingStill(path: string): { goOn(): void } {
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  onTestFinished(() => other.close())
  return { goOn: () => other.exec('COMMIT') }
}

/** Counts the turns of the event loop during a wait. */
async function waitsFor(work: Promise<unknown>, turns: number): Promise<boolean> {
  let isSettled = false
  const end = () => {
    isSettled = true
  }
  work.then(end, end)
  for (let turn = 0; turn < turns; turn++) await nextTurn()
  return !isSettled
}

it('an append waits for the lock of a stopped process, while everything else continues', async () => {
  const path = file()
  const log = openSqliteEventLog({ file: path, shards: 1 })
  onTestFinished(() => log.close())
  const lane = (await log.lanes())[0]?.name as string
  await log.append([{ lane, data: Buffer.from('before') }])
  const other = standingStill(path)
  const appends = ['a', 'b', 'c'].map(text => log.append([{ lane, data: Buffer.from(text) }]))
  expect(await waitsFor(Promise.race(appends), 100)).toBe(true)
  expect(await log.read(lane, START, 10)).toHaveLength(1)
  other.goOn()
  const outcomes = (await Promise.all(appends)).flat()
  const read = await log.read(lane, START, 10)
  expect(read.map(({ data }) => Buffer.from(data).toString())).toEqual(['before', 'a', 'b', 'c'])
  expect(outcomes).toEqual(read.slice(1).map(({ position }) => ({ lane, position })))
})

it('a log whose lock another process holds can be opened and read', async () => {
  const path = file()
  const first = openSqliteEventLog({ file: path, shards: 1 })
  const lane = (await first.lanes())[0]?.name as string
  await first.append([{ lane, data: Buffer.from('before') }])
  await first.close()
  standingStill(path)
  const log = openSqliteEventLog({ file: path })
  onTestFinished(() => log.close())
  expect(await log.read(lane, START, 10)).toHaveLength(1)
})

it('the removal of records waits for the lock, too', async () => {
  const path = file()
  const log = openSqliteEventLog({ file: path, shards: 1 })
  onTestFinished(() => log.close())
  const lane = (await log.lanes())[0]?.name as string
  const [stored] = await log.append([{ lane, data: Buffer.from('old') }])
  const other = standingStill(path)
  const trimmed = log.trim(lane, (stored as { position: string }).position, -1)
  expect(await waitsFor(trimmed, 100)).toBe(true)
  other.goOn()
  await trimmed
  expect(await log.read(lane, START, 10)).toEqual([])
})

it('every write of the store waits for the lock, while reads continue', async () => {
  const path = file()
  const store = openSqliteSpeedStore(path)
  onTestFinished(() => store.close())
  const cursor = newCursor('lane')
  await store.createCursor(cursor)
  const row = { lane: 'lane', slot: 0, windowStart: 0, lastPosition: toPosition(1n), totals: new Map() }
  await store.writeRow({ ...row, windowStart: 600_000 }, null)
  const claim = {
    producer: 'p',
    entry: { lane: 'lane', position: START, line: 0 },
    claimedMs: 0,
    log: 'log',
    lane: null,
  }
  await store.claimRedrive(claim)
  const other = standingStill(path)
  const writes = {
    createCursor: store.createCursor(newCursor('other')),
    moveCursor: store.moveCursor({ ...cursor, lastPosition: toPosition(1n) }, START),
    createRow: store.writeRow(row, null),
    replaceRow: store.writeRow({ ...row, windowStart: 600_000, lastPosition: toPosition(2n) }, toPosition(1n)),
    claimRedrive: store.claimRedrive({ ...claim, producer: 'q' }),
    markRedriven: store.markRedriven('p', 1),
    quarantine: store.quarantine([
      {
        lane: 'lane',
        position: START,
        line: null,
        arrivalMs: 0,
        reason: 'not-json',
        detail: '',
        bytes: Buffer.from('x'),
      },
    ]),
    expire: store.expire(-1),
  }
  expect(await waitsFor(Promise.race(Object.values(writes)), 100)).toBe(true)
  expect(await store.readCursor('lane')).toEqual(cursor)
  expect(await store.readRow(row)).toBeUndefined()
  other.goOn()
  const { quarantine, expire, ...changes } = writes
  await Promise.all([quarantine, expire])
  expect(await Promise.all(Object.values(changes))).toEqual([true, true, true, true, true, true])
  expect(await store.readCursor('lane')).toMatchObject({ lastPosition: toPosition(1n) })
  expect(await store.readQuarantine({ lane: 'lane', after: null, limit: 10 })).toHaveLength(1)
})

it('a checkpoint waits for the lock, while reads continue', async () => {
  const path = file()
  const checkpoints = openSqliteCheckpoints(path)
  onTestFinished(() => checkpoints.close())
  const other = standingStill(path)
  const written = checkpoints.write('speed', 'lane', toPosition(7n))
  expect(await waitsFor(written, 100)).toBe(true)
  expect(await checkpoints.read('speed', 'lane')).toBe(START)
  other.goOn()
  await written
  expect(await checkpoints.read('speed', 'lane')).toBe(toPosition(7n))
})

it('a wait for a lock that takes too long fails with the name of the file and what to do', async () => {
  const path = file()
  const database = openDatabase({
    file: path,
    durability: 'process-crash',
    define: opened => opened.exec('CREATE TABLE t (n INTEGER)'),
  })
  onTestFinished(() => database.close())
  const other = standingStill(path)
  const write = () => transaction(database, () => database.exec('INSERT INTO t VALUES (1)'))
  await expect(whenFree(database, write, 30)).rejects.toThrow(
    `another process has kept ${path} locked for 0.03 s: look for a process that is stopped (Ctrl-Z)`,
  )
  other.goOn()
  await whenFree(database, write, 30)
  expect(database.prepare('SELECT count(*) AS rows FROM t').get()).toEqual({ rows: 1 })
})

it('an operation that fails for another reason than a lock is not tried again', async () => {
  const database = openDatabase({ file: file(), durability: 'process-crash', define() {} })
  onTestFinished(() => database.close())
  let times = 0
  const fail = () => {
    times++
    throw new Error('no')
  }
  await expect(whenFree(database, fail)).rejects.toThrow('no')
  expect(times).toBe(1)
})
