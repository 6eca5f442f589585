import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { RunnerTask } from 'vitest'
import { createVitest, type TestSpecification, type Vitest } from 'vitest/node'
import config from '../../vitest.config.ts'
import { seeded } from '../support/seeded.ts'
import { type Mutant, mutantsOf, withMutants } from './mutants.ts'
import type { Found, Work } from './runner.ts'

/**
 * `npm run mutate -- functions/speed/*.ts`: changes the modules in small ways and tells which changes no test of the
 * project `parts` notices. All mutants of a module are in it at once, and a test is run again for each that it reaches;
 * only what runs before the tests takes a process per mutant. A test that fails kills a mutant; a test that takes too long
 * does not, because the machine may be busy: such mutants are reported as late.
 */

const HELP = `npm run mutate -- [modules …] [options]
  modules       files or globs; default: ${['core', 'batch', 'speed', 'archive', 'serving'].join(', ')} and the page's view-models
  --tests TEXT  only test files whose path contains TEXT; several times: any of them
  --sample N    at most so many mutants per folder
  --seed S      which of them (1)
  --slowest MS  tests that take longer are not run again for each mutant (2000)
  --fast        without the mutants that need a process each`

const MODULES = ['functions/{core,batch,speed,archive,serving}/**/*.ts', 'web/view-models/*.ts']
const ROOT = resolve(import.meta.dirname, '../..')
const EQUIVALENT = join(import.meta.dirname, 'equivalent.json')

interface Equivalent {
  file: string
  /** The line of the source. */
  at: string
  /** Original text and changed text, as in the report. */
  change: string
  reason: string
}

interface Numbered {
  id: number
  mutant: Mutant
  at: string
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string', multiple: true, default: [] },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    slowest: { type: 'string', default: '2000' },
    fast: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (options.help) console.log(HELP)
else await main()

async function main(): Promise<void> {
  const files = globSync(positionals.length > 0 ? positionals : MODULES, { cwd: ROOT })
    .map(path => relative(ROOT, resolve(ROOT, path)))
    .sort()
  if (files.length === 0)
    throw new Error(`no file is named ${positionals.join(', ')}: name modules as in functions/speed/*.ts`)
  const sources = new Map(files.map(file => [file, readFileSync(join(ROOT, file), 'utf8')]))
  const { mutants, equivalent } = chosen(sources)
  const folder = mkdtempSync(join(tmpdir(), 'landcover-mutation-'))
  process.env.MUTATION_WORK = join(folder, 'work.json')
  process.env.MUTATION_FOUND = join(folder, 'found.json')
  const vitest = await startVitest(sources, mutants)
  try {
    report(await run(vitest, files, mutants), mutants, equivalent)
  } finally {
    await vitest.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The mutants to try, by folder, and how many of each folder are known to change nothing. */
function chosen(sources: ReadonlyMap<string, string>): { mutants: Numbered[]; equivalent: Map<string, number> } {
  const known = JSON.parse(readFileSync(EQUIVALENT, 'utf8')) as Equivalent[]
  const isKnown = new Set(known.map(({ file, at, change }) => `${file}\n${at}\n${change}`))
  const all = [...sources].flatMap(([file, source]) => {
    const lines = source.split('\n')
    return mutantsOf(file, source).map(mutant => ({ mutant, at: (lines[mutant.line - 1] as string).trim() }))
  })
  const equivalent = new Map<string, number>()
  const random = seeded(Number(options.seed)).next
  const mutants: Numbered[] = []
  for (const [folder, each] of Map.groupBy(all, ({ mutant }) => dirname(mutant.file))) {
    const open = each.filter(({ mutant, at }) => !isKnown.has(`${mutant.file}\n${at}\n${changeOf(mutant)}`))
    equivalent.set(folder, each.length - open.length)
    const most = Number(options.sample ?? open.length)
    const picked = open
      .map(mutant => ({ mutant, rank: random() }))
      .sort((a, b) => a.rank - b.rank)
      .slice(0, most)
      .map(({ mutant }) => mutant)
    for (const one of open) if (picked.includes(one)) mutants.push({ id: mutants.length, ...one })
  }
  return { mutants, equivalent }
}

async function startVitest(sources: ReadonlyMap<string, string>, mutants: readonly Numbered[]): Promise<Vitest> {
  const projects = (config.test?.projects ?? []) as { test: { name: string } }[]
  const { name: _, ...parts } = projects.map(({ test }) => test).find(({ name }) => name === 'parts') ?? { name: '' }
  const ofFile = Map.groupBy(mutants, ({ mutant }) => mutant.file)
  return createVitest(
    'test',
    {
      ...parts,
      config: false,
      // The cache on disk is keyed by the sources, which are unchanged.
      fsModuleCache: false,
      root: ROOT,
      watch: false,
      // A test that runs again would note its snapshots again, and those of mutants.
      update: 'none',
      related: [...sources.keys()].map(file => join(ROOT, file)),
      runner: join(import.meta.dirname, 'runner.ts'),
      setupFiles: [join(import.meta.dirname, 'setup.ts')],
      reporters: [{}],
      maxWorkers: 1,
      maxConcurrency: 1,
      dangerouslyIgnoreUnhandledErrors: true,
    },
    {
      plugins: [
        {
          name: 'mutants',
          enforce: 'pre',
          transform(code, id) {
            const file = relative(ROOT, id)
            return sources.has(file) ? withMutants(code, ofFile.get(file) ?? []) : undefined
          },
        },
      ],
    },
  )
}

interface Result {
  killed: Set<number>
  late: Set<number>
  reached: Set<number>
}

async function run(vitest: Vitest, files: readonly string[], mutants: readonly Numbered[]): Promise<Result> {
  const folders = new Set(files.map(file => basename(dirname(file))))
  const isNear = (path: string) => folders.has(basename(dirname(path)))
  const specifications = (await vitest.getRelevantTestSpecifications())
    .map(specification => ({ specification, path: relative(ROOT, specification.moduleId) }))
    .filter(({ path }) => options.tests.length === 0 || options.tests.some(text => path.includes(text)))
    .sort((a, b) => Number(isNear(b.path)) - Number(isNear(a.path)))
  const killed = new Set<number>()
  const late = new Set<number>()
  const reached = new Set<number>()
  /** By mutant, the test files that reach it where only a process of its own shows what it does. */
  const early = new Map<number, { specification: TestSpecification; tookMs: number }[]>()
  const slowestMs = Number(options.slowest)
  const alive = () => mutants.map(({ id }) => id).filter(id => !killed.has(id))
  for (const { specification, path } of specifications) {
    const found = await runFile(vitest, specification, { alive: alive(), slowestMs })
    for (const id of found.killed) killed.add(id)
    for (const id of found.late) late.add(id)
    for (const id of [...found.reached, ...found.early]) reached.add(id)
    const { tookMs } = found
    for (const id of found.early) early.set(id, [...(early.get(id) ?? []), { specification, tookMs }])
    const slow = found.slow.length > 0 ? `; too slow to run again: ${found.slow.join(', ')}` : ''
    console.log(`${path}: notices ${found.killed.length}, ${alive().length} left${slow}`)
  }
  if (options.fast) return { killed, late, reached }
  for (const id of alive()) {
    // One that notices is enough: quick ones first.
    for (const { specification } of (early.get(id) ?? []).sort((a, b) => a.tookMs - b.tookMs)) {
      await runFile(vitest, specification, { alive: [id], always: id, slowestMs })
      const failures = failuresOf(vitest, specification)
      if (failures.length === 0) continue
      if (failures.every(message => message.includes('timed out'))) {
        late.add(id)
        continue
      }
      killed.add(id)
      break
    }
  }
  return { killed, late, reached }
}

/** Messages of what failed in the last run of a file. */
function failuresOf(vitest: Vitest, { moduleId }: TestSpecification): string[] {
  return vitest.state.getFiles([moduleId]).flatMap(file => {
    // A file without a result says nothing of the mutant.
    if (file.result?.state !== 'fail') return []
    const messages = messagesOf(file)
    return messages.length > 0 ? messages : ['the file did not run']
  })
}

function messagesOf(task: RunnerTask): string[] {
  const own = task.result?.errors?.map(({ message }) => message) ?? []
  return 'tasks' in task ? [...own, ...task.tasks.flatMap(messagesOf)] : own
}

async function runFile(vitest: Vitest, specification: TestSpecification, work: Work): Promise<Found> {
  writeFileSync(process.env.MUTATION_WORK as string, JSON.stringify(work))
  rmSync(process.env.MUTATION_FOUND as string, { force: true })
  await vitest.runTestSpecifications([specification], false)
  try {
    return JSON.parse(readFileSync(process.env.MUTATION_FOUND as string, 'utf8')) as Found
  } catch {
    const [file] = vitest.state.getFiles([specification.moduleId])
    console.log(
      `${relative(ROOT, specification.moduleId)} ran no test: ${(file && messagesOf(file)[0]) ?? 'it failed before the first'}`,
    )
    return { killed: [], late: [], reached: [], early: [], slow: [], tookMs: 0 }
  }
}

function report(
  { killed, late, reached }: Result,
  mutants: readonly Numbered[],
  equivalent: ReadonlyMap<string, number>,
): void {
  for (const { id, mutant, at } of mutants) {
    if (killed.has(id)) continue
    const kind = late.has(id) ? 'late' : reached.has(id) ? 'survived' : 'not reached'
    console.log(`${mutant.file}:${mutant.line} ${kind}\n  ${at}\n  ${changeOf(mutant)}`)
  }
  console.log('\nmodule: mutants, killed, late, survived, equivalent, score')
  for (const [name, each] of Map.groupBy(mutants, ({ mutant }) => dirname(mutant.file))) {
    const noticed = each.filter(({ id }) => killed.has(id)).length
    const slow = each.filter(({ id }) => late.has(id) && !killed.has(id)).length
    const score = ((100 * noticed) / each.length).toFixed(1)
    console.log(
      `${name}: ${each.length}, ${noticed}, ${slow}, ${each.length - noticed - slow}, ${equivalent.get(name)}, ${score} %`,
    )
  }
}

/** Formats the original text and the changed text on one line. */
function changeOf({ before, after }: Mutant): string {
  return `${short(before)} → ${after === '' || after === ';' ? '(nothing)' : short(after)}`
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 100 ? `${line.slice(0, 60)} … ${line.slice(-37)}` : line
}
