import { join } from 'node:path'
import { expect, it } from 'vitest'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { eventually, publishedBy, runProduce, startSystem, totalCount } from '../support/landcover.ts'
import { seeded } from '../support/seeded.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { expectExactly, killAgainAndAgain, neverShrinks, watchUntil } from './kills.ts'

it('kill -9 while batch views are published: the joined answer never shrinks, and ends exact', async () => {
  const random = seeded()
  console.info(`kill -9 with batch views: SEED=${random.seed}`)
  const state = join(temporaryFolder(), 'state')
  const slots = ['--slot', '2s']
  const events = someEvents(2_000)
  const file = writeEvents(join(temporaryFolder(), 'events.csv'), events)
  const watch = neverShrinks(random.seed)
  await (await startSystem(state, slots)).kill()
  const producing = runProduce(['--data', file, '--state', state, '--limit', '0', '--delay', '0.002'])
  const limits = { rounds: 4, mostMs: 5_000, work: producing.finished }
  await killAgainAndAgain(state, slots, random, limits, watch)

  expect(publishedBy(await producing.finished)).toBe(events.length)
  const system = await startSystem(state, slots)
  const counted = eventually(system.health, ({ batch }) => batch.images === events.length)
  await watchUntil(counted, system.classStats, watch)
  const { batch, quarantine } = await counted
  expect(batch.revision).toBeGreaterThan(1)
  expect(quarantine.count).toBe(0)
  expectExactly(await system.classStats(), events, random.seed)
  expectExactly(await system.get('/api/batch/class-stats'), events, random.seed)
  expect(totalCount(await system.classStats())).toBe(events.length)
})
