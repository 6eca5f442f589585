import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { openSqliteEventLog } from '../../../functions/adapters/sqlite/event-log.ts'
import type { ClockReading } from '../../../functions/core/arrival-clock.ts'
import { START } from '../../../functions/core/lane.ts'
import { HOUR_MS, MINUTE_MS } from '../../../functions/core/time.ts'
import { NOON_MS } from '../../support/factories.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const YEARS_MS = 3_650 * 24 * HOUR_MS

/** A log of one lane on a machine whose clocks are set by the test. */
function open(file = join(temporaryFolder(), 'log.sqlite'), clock = { passedMs: 0, setByMs: 0, boot: 'a' }) {
  const readClocks = (): ClockReading => ({
    wallMs: NOON_MS + clock.passedMs + clock.setByMs,
    upMs: clock.passedMs,
    boot: clock.boot,
  })
  const log = openSqliteEventLog({ file, shards: 1, readClocks })
  onTestFinished(() => log.close())
  const lane = async () => (await log.lanes())[0]?.name as string
  return {
    file,
    clock,
    log,
    lane,
    append: async (text: string) => log.append([{ lane: await lane(), data: Buffer.from(text) }]),
    arrivals: async () => (await log.read(await lane(), START, 100)).map(({ arrivalMs }) => arrivalMs - NOON_MS),
  }
}

it('a clock that is ten years ahead for twelve seconds stamps no record', async () => {
  const { clock, append, arrivals } = open()
  await append('before')
  clock.passedMs = 1_000
  clock.setByMs = YEARS_MS
  await expect(append('a')).rejects.toThrow('the clock of this machine has leapt 5256000 minutes ahead, to 2036-')
  clock.passedMs = 12_000
  await expect(append('b')).rejects.toThrow('nothing is stored until it is set right')
  clock.setByMs = 0
  await append('after')
  expect(await arrivals()).toEqual([0, 12_000])
})

it('a process that opens the log while the clock is wrong learns this from the log', async () => {
  const { file, clock, append, arrivals } = open()
  await append('before')
  clock.setByMs = YEARS_MS
  await expect(open(file, clock).append('a')).rejects.toThrow('has leapt')
  expect(await arrivals()).toEqual([0])
})

it('arrival never goes back when the clock was set back by hours, and follows the clock again when that has caught up', async () => {
  const { clock, append, arrivals } = open()
  await append('before')
  clock.setByMs = -6 * HOUR_MS
  for (const hour of [1, 2, 11, 12, 13]) {
    clock.passedMs = hour * HOUR_MS
    await append(`after ${hour} hours`)
  }
  expect((await arrivals()).map(ms => ms / HOUR_MS)).toEqual([0, 0.5, 1, 5, 6, 7])
})

it('arrival at half speed does not depend on how often records arrive', async () => {
  const { clock, append, arrivals } = open()
  await append('before')
  clock.setByMs = -6 * HOUR_MS
  for (let ms = 1; ms <= 20; ms++) {
    clock.passedMs = ms
    await append(`after ${ms} ms`)
  }
  expect((await arrivals()).at(-1)).toBe(10)
})

it('arrival does not go back after a restart of the machine, and continues from there', async () => {
  const { clock, append, arrivals } = open()
  await append('before')
  Object.assign(clock, { passedMs: 10, setByMs: -6 * HOUR_MS, boot: 'b' })
  await append('after a start')
  clock.passedMs = HOUR_MS + 10
  await append('an hour later')
  expect(await arrivals()).toEqual([0, 0, HOUR_MS / 2])
})

it('a log that has not stored a newest arrival yet continues after the arrivals of its records', async () => {
  const { file, clock, append, log } = open()
  await append('before')
  await log.append([])
  const database = new DatabaseSync(file)
  database.exec('DROP TABLE last_arrival; PRAGMA user_version = 0')
  database.close()
  Object.assign(clock, { passedMs: 5_000, setByMs: -MINUTE_MS })
  const again = open(file, clock)
  await again.append('after')
  expect(await again.arrivals()).toEqual([0, 0])
})

it('removes records that arrived long enough before the newest arrival, for any time of the wall clock', async () => {
  const { clock, log, lane, append, arrivals } = open()
  const [first] = await append('first')
  clock.passedMs = 1
  const [second] = await append('second')
  clock.passedMs = HOUR_MS
  await append('third')
  clock.setByMs = YEARS_MS
  await log.trim(await lane(), (second as { position: string }).position, HOUR_MS)
  expect(await arrivals()).toEqual([0, 1, HOUR_MS])
  await log.trim(await lane(), (second as { position: string }).position, HOUR_MS - 1)
  expect(await arrivals()).toEqual([1, HOUR_MS])
  await log.trim(await lane(), (first as { position: string }).position, 0)
  expect(await arrivals()).toEqual([1, HOUR_MS])
  await log.trim(await lane(), START, 0)
  expect(await arrivals()).toEqual([1, HOUR_MS])
})
