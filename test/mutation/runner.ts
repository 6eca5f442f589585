import { readFileSync, writeFileSync } from 'node:fs'
import { type RunnerTestCase, type RunnerTestSuite, TestRunner } from 'vitest'

/** Purpose for which a test file is run. */
export interface Work {
  /** Mutants that no test has noticed so far. */
  alive: number[]
  /** The mutant that is on from the beginning; without it each test is run again for each mutant that it reaches. */
  always?: number
  /** Tests that take longer are not run again. */
  slowestMs: number
}

/** Results of the tests of a file. */
export interface Found {
  /** Mutants that make a test fail, or that loop without end. */
  killed: number[]
  /** Mutants with which a test took too long. A busy machine can be the reason, so they do not count as killed. */
  late: number[]
  /** Mutants that tests reach. */
  reached: number[]
  /** Mutants that are reached before the first test, or by tests that cannot be run twice in a process. */
  early: number[]
  slow: string[]
  /** Time that the tests took without a mutant, ms. */
  tookMs: number
}

/** So many times longer than without a mutant may a test take, and so long at least. */
const LONGER = 10
const LONGEST_LEAST_MS = 10_000
const CALLS_LEAST = 200_000

const { setTimeout, clearTimeout } = globalThis
const work = JSON.parse(readFileSync(process.env.MUTATION_WORK as string, 'utf8')) as Work
const alive = new Set(work.alive)
const found = {
  killed: new Set<number>(),
  late: new Set<number>(),
  reached: new Set<number>(),
  early: new Set<number>(),
  slow: [] as string[],
  tookMs: 0,
}

let reached = found.early
let active = work.always ?? -1
let calls = 0
let mostCalls = Number.POSITIVE_INFINITY

/** Tells whether a mutant is on; counts, so that one that never ends is noticed. */
function isOn(id: number): boolean {
  if (++calls > mostCalls) throw new Error('the mutant does not end')
  if (active === -1) reached.add(id)
  return id === active
}
Object.assign(globalThis, { __mutant: isOn })

/** Runs each test once as it is, and again for each mutant that it reaches. */
export default class MutationRunner extends TestRunner {
  async runTask(test: RunnerTestCase): Promise<void> {
    const startedMs = performance.now()
    reached = new Set()
    calls = 0
    try {
      await TestRunner.getTestFn(test)()
    } finally {
      for (const id of reached) found.reached.add(id)
    }
    const mutants = [...reached].filter(id => alive.has(id))
    const tookMs = performance.now() - startedMs
    found.tookMs += tookMs
    if (work.always === undefined && mutants.length > 0) {
      if (tookMs > work.slowestMs) {
        found.slow.push(test.name)
        for (const id of mutants) found.early.add(id)
      } else await this.tryEach(test, mutants, tookMs)
    }
    // Mutants that a hook reaches now count as early, since no test reaches them again.
    reached = found.early
    writeFileSync(process.env.MUTATION_FOUND as string, JSON.stringify(found, asArray))
  }

  private async tryEach(test: RunnerTestCase, mutants: readonly number[], tookMs: number): Promise<void> {
    const most = Math.max(LONGEST_LEAST_MS, LONGER * tookMs)
    const mostCallsHere = CALLS_LEAST + LONGER * calls
    if ((await outcomeAgain(test, most)) !== 'passed') {
      for (const id of mutants) found.early.add(id)
      return
    }
    for (const id of mutants) {
      active = id
      calls = 0
      mostCalls = mostCallsHere
      const outcome = await outcomeAgain(test, most)
      if (outcome === 'failed') found.killed.add(id)
      if (outcome === 'late') found.late.add(id)
      // The other tests of this file would wait as long again.
      if (outcome !== 'passed') alive.delete(id)
      active = -1
      mostCalls = Number.POSITIVE_INFINITY
    }
  }
}

async function outcomeAgain(test: RunnerTestCase, mostMs: number): Promise<'passed' | 'failed' | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>(resolve => {
    timer = setTimeout(() => resolve('late'), mostMs)
  })
  const passed = again(test).then(() => 'passed' as const)
  try {
    return await Promise.race([passed, late])
  } catch {
    return 'failed'
  } finally {
    passed.catch(() => {})
    clearTimeout(timer)
  }
}

/** The hooks of the run before end it; so each begins as the first did. */
async function again(test: RunnerTestCase): Promise<void> {
  const suites: RunnerTestSuite[] = []
  for (let suite: RunnerTestSuite | undefined = test.suite ?? test.file; suite; suite = suite.suite) suites.push(suite)
  if (!suites.includes(test.file)) suites.push(test.file)
  const hooks = (name: 'beforeEach' | 'afterEach') =>
    suites.flatMap(suite => TestRunner.getSuiteHooks(suite)[name].map(hook => () => hook(test.context, suite)))
  for (const hook of hooks('afterEach')) await hook()
  for (const hook of hooks('beforeEach').reverse()) await hook()
  await TestRunner.getTestFn(test)()
}

function asArray(_: string, value: unknown): unknown {
  return value instanceof Set ? [...value] : value
}
