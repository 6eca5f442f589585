import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { eventually, run, runProduce, startSystem } from '../support/landcover.ts'
import { eventsOfLog } from '../support/log-content.ts'
import { byClass, recount } from '../support/recount.ts'
import { seeded } from '../support/seeded.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function expectSystemToCountTheLog(state: string): Promise<void> {
  const system = await startSystem(state)
  const counts = [...recount(await eventsOfLog(state), byClass)].map(([name, { count }]) => [name, count]).sort()
  await eventually(system.health, ({ speed }) => speed.lag_ms === 0 && speed.lanes.length > 0)
  const rows = await eventually(system.classStats, ({ length }) => length === counts.length)
  expect(rows.map(({ class_name, count }) => [class_name, count])).toEqual(counts)
  expect((await system.health()).quarantine.count).toBe(0)
}

it('after a producer is killed at any moment, every acknowledged event counts, and at most one other event', async () => {
  const random = seeded()
  console.info(`producer killed: SEED=${random.seed}`)
  const state = join(temporaryFolder(), 'state')
  await (await startSystem(state)).interrupt()
  const acknowledged: string[] = []
  const rounds = 4
  for (let round = 0; round < rounds; round++) {
    const producer = run('test/process/acknowledging-producer.ts', [state, `round-${round}`])
    await eventually(
      async () => producer.stdout(),
      said => said.length > 0,
    )
    await sleep(random.next() * 400)
    producer.child.kill('SIGKILL')
    acknowledged.push(...(await producer.finished).stdout.split('\n').slice(0, -1))
  }
  const stored = (await eventsOfLog(state)).map(({ image_id }) => image_id)
  expect(acknowledged.length).toBeGreaterThan(rounds)
  expect(new Set(stored).size).toBe(stored.length)
  expect(new Set(acknowledged).difference(new Set(stored))).toEqual(new Set())
  expect(stored.length - acknowledged.length).toBeLessThanOrEqual(rounds)
  await expectSystemToCountTheLog(state)
})

it('produce that is killed at any moment leaves complete records, in the order of its file, and all of them count', async () => {
  const random = seeded()
  console.info(`produce killed: SEED=${random.seed}`)
  const state = temporaryFolder()
  const events = someEvents(20_000)
  const file = writeEvents(join(temporaryFolder(), 'events.csv'), events)
  let before = 0
  for (const delay of ['0', '0.001']) {
    const producing = runProduce(['--data', file, '--state', state, '--limit', '0', '--delay', delay])
    const hasStored = async () => (await eventsOfLog(state)).length
    await eventually(hasStored, stored => stored > before)
    await sleep(random.next() * 200)
    producing.child.kill('SIGKILL')
    await producing.finished
    const stored = (await eventsOfLog(state)).map(({ image_id }) => image_id)
    const mine = new Map<string, number>()
    for (const id of stored) mine.set(id, (mine.get(id) ?? 0) + 1)
    const first = events.slice(0, mine.size).map(({ image_id }) => image_id)
    expect(new Set(mine.keys())).toEqual(new Set(first))
    before = stored.length
  }
  await expectSystemToCountTheLog(state)
})
