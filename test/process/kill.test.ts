import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { WireEvent } from '../../functions/core/event.ts'
import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { byClass, recount } from '../support/recount.ts'
import { type Seeded, seeded } from '../support/seeded.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { eventually, publishedBy, runProduce, startSystem, totalCount } from './landcover.ts'

/** Kills and restarts the system until so many rounds are over and the work is done. */
async function killAgainAndAgain(
  state: string,
  args: string[],
  random: Seeded,
  { rounds, mostMs, work }: { rounds: number; mostMs: number; work: Promise<unknown> },
  watch: (rows: ClassStatsRow[]) => void,
): Promise<void> {
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  for (let round = 0; round < rounds || !isDone; round++) {
    const system = await startSystem(state, ...args)
    const ending = sleep(random.next() * mostMs).then(() => system.kill())
    await watchUntil(ending, system.classStats, watch)
  }
  await done
}

async function watchUntil(
  ending: Promise<unknown>,
  ask: () => Promise<ClassStatsRow[]>,
  watch: (rows: ClassStatsRow[]) => void,
): Promise<void> {
  let hasEnded = false
  void ending.then(() => {
    hasEnded = true
  })
  while (!hasEnded) {
    const rows = await ask().catch(() => null)
    if (rows) watch(rows)
    await sleep(20)
  }
}

/** Fails as soon as any class counts fewer images than it did before. */
function neverShrinks(seed: number): (rows: ClassStatsRow[]) => void {
  const most = new Map<string, number>()
  return rows => {
    const counts = new Map(rows.map(({ class_name, count }) => [class_name, count]))
    for (const [name, before] of most)
      expect(counts.get(name) ?? 0, `${name}, seed ${seed}`).toBeGreaterThanOrEqual(before)
    for (const [name, count] of counts) most.set(name, count)
  }
}

function expectExactly(rows: readonly ClassStatsRow[], events: readonly WireEvent[], seed: number): void {
  const expected = [...recount(events, byClass)].sort(([a], [b]) => (a < b ? -1 : 1))
  expect(
    rows.map(({ class_name, count }) => [class_name, count]),
    `seed ${seed}`,
  ).toEqual(expected.map(([name, { count }]) => [name, count]))
  for (const [index, [, { count, ndviSum, bands }]] of expected.entries()) {
    expect(rows[index]?.ndvi_avg).toBeCloseTo(Number(ndviSum) / count / 1e6, 12)
    expect(rows[index]?.nir_avg).toBeCloseTo(Number(bands.nir.sum) / count / 1e3, 6)
  }
}

it('kill -9 at any moment loses and doubles nothing of what a producer was told is stored', async () => {
  const random = seeded()
  console.info(`kill -9: SEED=${random.seed}`)
  const state = join(temporaryFolder(), 'state')
  const events = someEvents(3_000)
  const file = writeEvents(join(temporaryFolder(), 'events.csv'), events)
  await (await startSystem(state)).kill()
  const producing = runProduce('--data', file, '--state', state, '--limit', '0', '--delay', '0.001')
  const limits = { rounds: 8, mostMs: 900, work: producing.finished }
  await killAgainAndAgain(state, [], random, limits, neverShrinks(random.seed))

  const produced = await producing.finished
  expect(produced.code).toBe(0)
  expect(publishedBy(produced)).toBe(events.length)
  const system = await startSystem(state)
  await eventually(system.health, ({ speed }) => speed.lag_ms === 0)
  expectExactly(await system.classStats(), events, random.seed)
  expect((await system.health()).quarantine.count).toBe(0)
})

it('the same while batch views are published: the joined answer never shrinks, and ends exact', async () => {
  const random = seeded()
  console.info(`kill -9 with batch views: SEED=${random.seed}`)
  const state = join(temporaryFolder(), 'state')
  const slots = ['--slot', '2s']
  const events = someEvents(3_000)
  const file = writeEvents(join(temporaryFolder(), 'events.csv'), events)
  const watch = neverShrinks(random.seed)
  await (await startSystem(state, ...slots)).kill()
  const producing = runProduce('--data', file, '--state', state, '--limit', '0', '--delay', '0.002')
  const limits = { rounds: 4, mostMs: 5_000, work: producing.finished }
  await killAgainAndAgain(state, slots, random, limits, watch)

  expect(publishedBy(await producing.finished)).toBe(events.length)
  const system = await startSystem(state, ...slots)
  const counted = eventually(system.health, ({ batch }) => batch.images === events.length)
  await watchUntil(counted, system.classStats, watch)
  const { batch, quarantine } = await counted
  expect(batch.revision).toBeGreaterThan(1)
  expect(quarantine.count).toBe(0)
  expectExactly(await system.classStats(), events, random.seed)
  expectExactly(await system.get('/api/batch/class-stats'), events, random.seed)
  expect(totalCount(await system.classStats())).toBe(events.length)
})
