import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { onTestFinished, TestRunner } from 'vitest'
import type { ClassStatsRow, Health } from '../../functions/serving/schemas.ts'
import { NODE_COMPILE_CACHE } from './compile-cache.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Finished {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Program of the project that runs in its own process. */
export interface Running {
  child: ChildProcess
  stdout(): string
  stderr(): string
  finished: Promise<Finished>
}

/**
 * Starts a program. It is killed at the end of the test at the latest.
 *
 * @param script path relative to the root
 * @param environment variables in addition to those of this process
 * @param through program, with its arguments, that changes its own process and becomes the program
 */
export function run(
  script: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  through: readonly string[] = [],
): Running {
  const [program = process.execPath, ...parameters] = [...through, process.execPath, script, ...args]
  const child = spawn(program, parameters, {
    cwd: ROOT,
    env: { ...process.env, NODE_COMPILE_CACHE, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', text => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', text => (output.stderr += text))
  const finished = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }) as Finished)
  // Outside a test, for example in a benchmark, the caller stops the program.
  if (TestRunner.getCurrentTest()) {
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await finished
    })
  }
  return { child, stdout: () => output.stdout, stderr: () => output.stderr, finished }
}

const commandLine =
  (name: string) => (args: readonly string[], environment?: NodeJS.ProcessEnv, through?: readonly string[]) =>
    run(`functions/cli/${name}.ts`, args, environment, through)

export const runStart = commandLine('start')
export const runProduce = commandLine('produce')
export const runRedrive = commandLine('redrive')
export const runBatch = commandLine('batch')
export const runBackup = commandLine('backup')
export const runRestore = commandLine('restore')

/** A running system without demo data. */
export interface System extends Running {
  url: string
  get<Answer>(path: string): Promise<Answer>
  classStats(): Promise<ClassStatsRow[]>
  health(): Promise<Health>
  /** Stops it with SIGINT, like Ctrl-C. */
  interrupt(): Promise<Finished>
  /** Kills it with SIGKILL, like kill -9. */
  kill(): Promise<Finished>
}

/** Starts the system on a free port and waits until it prints its address. */
export async function startSystem(
  state: string,
  args: readonly string[] = [],
  environment?: NodeJS.ProcessEnv,
  through?: readonly string[],
): Promise<System> {
  const running = runStart(['--no-demo', '--port', '0', '--state', state, ...args], environment, through)
  const url = await urlOf(running)
  const get = async <Answer>(path: string): Promise<Answer> => {
    const response = await fetch(url + path)
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Answer
  }
  const end = (signal: NodeJS.Signals) => {
    running.child.kill(signal)
    return running.finished
  }
  return {
    ...running,
    url,
    get,
    classStats: () => get('/api/class-stats'),
    health: () => get('/api/health'),
    interrupt: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
  }
}

/** Address of a started system. @throws Error with its output if it ends without printing its address */
export async function urlOf({ stdout, finished }: Running): Promise<string> {
  let ended: Finished | undefined
  void finished.then(result => {
    ended = result
  })
  for (;;) {
    const url = /http:\/\/localhost:\d+/.exec(stdout())?.[0]
    if (url) return url
    if (ended) throw new Error(`the system ended with ${ended.code ?? ended.signal}: ${ended.stdout}${ended.stderr}`)
    await sleep(10)
  }
}

/** Repeats a question until the answer is right, or the test times out. */
export async function eventually<Answer>(
  ask: () => Promise<Answer>,
  isRight: (answer: Answer) => boolean,
): Promise<Answer> {
  for (;;) {
    const answer = await ask()
    if (isRight(answer)) return answer
    await sleep(50)
  }
}

export function totalCount(rows: readonly { count: number }[]): number {
  return rows.reduce((sum, { count }) => sum + count, 0)
}

/** Number of published events, from the last line of `produce`. */
export function publishedBy({ stdout }: Finished): number {
  const summary = /^(\d+) events in [\d.]+ s, \d+ events\/s, \d+ rejected/m.exec(stdout)
  if (!summary) throw new Error(`no summary in: ${stdout}`)
  return Number(summary[1])
}
