import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ClassStatsRow } from '../../functions/serving/schemas.ts'

const START = fileURLToPath(new URL('../../functions/cli/start.ts', import.meta.url))

/** The real system as a process of its own. */
export interface RunningSystem {
  url: string
  process: ChildProcess
  get<T>(path: string): Promise<T>
  /** Ends it as Ctrl-C does; answers the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL: it gets no chance to tidy up. */
  kill(): Promise<void>
}

/** @param flags of `npm start`; the port is chosen freely */
export async function startSystem(
  flags: string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<RunningSystem> {
  const child = spawn(process.execPath, [START, '--port', '0', ...flags], { stdio: 'pipe', env: environment })
  let said = ''
  child.stderr.on('data', text => (said = (said + text).slice(-4_000)))
  let url: string | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    url = /http:\S+/.exec(line)?.[0]
    if (url) break
  }
  if (!url) throw new Error(`the system did not start: ${said}`)
  child.stdout.resume()
  const ended = once(child, 'exit')
  return {
    url,
    process: child,
    async get(path) {
      const response = await fetch(url + path)
      if (!response.ok) throw new Error(`${path} answers ${response.status}`)
      return (await response.json()) as never
    },
    async stop() {
      child.kill('SIGINT')
      return ((await ended) as [number | null])[0]
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

export function imagesOf(rows: readonly Pick<ClassStatsRow, 'count'>[]): number {
  return rows.reduce((sum, row) => sum + row.count, 0)
}
