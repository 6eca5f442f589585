import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { WireEvent } from '../../functions/core/event.ts'
import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import { startSystem } from '../support/landcover.ts'
import { byClass, recount } from '../support/recount.ts'
import type { Seeded } from '../support/seeded.ts'

/** Kills and restarts the system for a number of rounds, and until the work is done. */
export async function killAgainAndAgain(
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
    const system = await startSystem(state, args)
    const ending = sleep(random.next() * mostMs).then(() => system.kill())
    await watchUntil(ending, system.classStats, watch)
  }
  await done
}

/** Sends requests until the work ends. Ignores failures, such as those of a killed system. */
export async function watchUntil(
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
    await sleep(50)
  }
}

/** Fails as soon as any class counts fewer images than it did before. */
export function neverShrinks(seed: number): (rows: ClassStatsRow[]) => void {
  const most = new Map<string, number>()
  return rows => {
    const counts = new Map(rows.map(({ class_name, count }) => [class_name, count]))
    for (const [name, before] of most)
      expect(counts.get(name) ?? 0, `${name}, seed ${seed}`).toBeGreaterThanOrEqual(before)
    for (const [name, count] of counts) most.set(name, count)
  }
}

/** Checks counts and means of each class against those of the events. */
export function expectExactly(rows: readonly ClassStatsRow[], events: readonly WireEvent[], seed: number): void {
  const expected = [...recount(events, byClass)].sort(([a], [b]) => (a < b ? -1 : 1))
  expect(
    rows.map(({ class_name, count }) => [class_name, count]),
    `seed ${seed}`,
  ).toEqual(expected.map(([name, { count }]) => [name, count]))
  for (const [index, [, { count, ndviSum, bands }]] of expected.entries()) {
    expect(rows[index]?.ndvi_avg).toBeCloseTo(Number(ndviSum) / count / 1e6, 12)
    expect(rows[index]?.nir_avg).toBeCloseTo(Number(bands.nir.sum) / bands.nir.count / 1e3, 6)
  }
}
