import { join } from 'node:path'
import { expect, it } from 'vitest'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { eventually, publishedBy, runProduce, startSystem, totalCount } from '../support/landcover.ts'
import { seeded } from '../support/seeded.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { expectExactly, killAgainAndAgain, neverShrinks } from './kills.ts'

it('kill -9 at any moment loses and duplicates nothing that was acknowledged to a producer', async () => {
  const random = seeded()
  console.info(`kill -9: SEED=${random.seed}`)
  const state = join(temporaryFolder(), 'state')
  const events = someEvents(2_500)
  const file = writeEvents(join(temporaryFolder(), 'events.csv'), events)
  await (await startSystem(state)).kill()
  const producing = runProduce(['--data', file, '--state', state, '--limit', '0', '--delay', '0.001'])
  const limits = { rounds: 8, mostMs: 900, work: producing.finished }
  await killAgainAndAgain(state, [], random, limits, neverShrinks(random.seed))

  const produced = await producing.finished
  expect(produced.code).toBe(0)
  expect(publishedBy(produced)).toBe(events.length)
  const system = await startSystem(state)
  await eventually(system.classStats, rows => totalCount(rows) >= events.length)
  expectExactly(await system.classStats(), events, random.seed)
  expect((await system.health()).quarantine.count).toBe(0)
})
