import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openSqliteEventLog } from '../../../functions/adapters/sqlite/event-log.ts'
import type { AppendOutcome, EventLog } from '../../../functions/ports/event-log.ts'
import { failureRegistry } from '../../../functions/runtime/local/failure-registry.ts'
import { watchedLog } from '../../../functions/runtime/local/watched-log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

async function open(change: (log: EventLog) => Partial<EventLog> = () => ({})) {
  const inner = openSqliteEventLog({ file: join(temporaryFolder(), 'log.sqlite') })
  onTestFinished(() => inner.close())
  const clock = { nowMs: 0 }
  const failures = failureRegistry(() => clock.nowMs)
  const watched = watchedLog({ ...inner, ...change(inner) }, failures, () => clock.nowMs)
  const [a = '', b = ''] = (await inner.lanes()).map(({ name }) => name)
  const append = async (lane: string) => {
    const [outcome] = await watched.log.append([{ lane, data: Buffer.from('x') }])
    if (!outcome || !('position' in outcome)) throw new Error('not stored')
    return outcome.position
  }
  return { ...watched, ...{ a, b, append, clock, failures } }
}

it('a record waits from its acknowledgement until it is applied', async () => {
  const { a, b, append, clock, acknowledgedBehindMs } = await open()
  expect(acknowledgedBehindMs(a, undefined)).toBeNull()
  const first = await append(a)
  clock.nowMs += 5_000
  expect(acknowledgedBehindMs(a, undefined)).toBe(5_000)
  const second = await append(a)
  clock.nowMs += 2_000
  expect(acknowledgedBehindMs(a, undefined)).toBe(7_000)
  expect(acknowledgedBehindMs(a, first)).toBe(2_000)
  expect(acknowledgedBehindMs(a, second)).toBeNull()
  expect(acknowledgedBehindMs(b, undefined)).toBeNull()
})

it('records of the same second wait together: first with the age of the first, and after that is applied, of the last', async () => {
  const { a, append, clock, acknowledgedBehindMs } = await open()
  const first = await append(a)
  clock.nowMs += 400
  await append(a)
  clock.nowMs += 590
  const second = await append(a)
  clock.nowMs += 9.4
  expect(acknowledgedBehindMs(a, undefined)).toBe(999)
  expect(acknowledgedBehindMs(a, first)).toBe(9)
  clock.nowMs += 0.6
  const third = await append(a)
  expect(acknowledgedBehindMs(a, second)).toBe(0)
  expect(acknowledgedBehindMs(a, third)).toBeNull()
})

it('the memory for a lane that does not move is bounded, and its age is kept', async () => {
  const { a, append, clock, acknowledgedBehindMs } = await open()
  for (let second = 0; second < 700; second++) {
    await append(a)
    clock.nowMs += 1_000
  }
  expect(acknowledgedBehindMs(a, undefined)).toBe(600_000)
})

it('appends that fail three times in a row are a failure, until one succeeds', async () => {
  const answers: (AppendOutcome | Error)[] = []
  const { log, a, failures } = await open(inner => ({
    append: async records => {
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return answer ? [answer] : inner.append(records)
    },
  }))
  const append = () => log.append([{ lane: a, data: Buffer.from('x') }]).catch(() => {})
  answers.push({ error: 'busy' }, new Error('broken'))
  await append()
  await append()
  expect(failures.failing()).toEqual([])
  answers.push({ error: 'malformed' })
  await append()
  expect(failures.failing()).toMatchObject([
    { component: 'Appending to the event log', count: 3, message: 'malformed' },
  ])
  await append()
  expect(failures.failing()).toEqual([])
  // A record that is too large is a fault of its sender.
  answers.push(...[1, 2, 3].map(() => ({ error: 'too large', tooLarge: true as const })))
  for (let time = 0; time < 3; time++) await append()
  expect(failures.failing()).toEqual([])
})

it('everything else is passed to the log when it is called', async () => {
  let maxRecordBytes = 1
  const inner = openSqliteEventLog({ file: join(temporaryFolder(), 'log.sqlite') })
  onTestFinished(() => inner.close())
  const changing = Object.defineProperty({ ...inner }, 'maxRecordBytes', { get: () => maxRecordBytes })
  const { log } = watchedLog(
    changing,
    failureRegistry(() => 0),
    () => 0,
  )
  maxRecordBytes = 2
  expect(log.maxRecordBytes).toBe(2)
  expect(log.identity).toBe(inner.identity)
})
