import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { liveImage, toWireEvent } from '../../data/generator.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite-event-log.ts'
import { logFile } from '../../functions/homes/state.ts'
import { createProducer } from '../../functions/ingest/producer.ts'
import { printTable, quantile } from './report.ts'

const EVENTS = 300
const EVENTS_PER_SECOND = 20
const START = fileURLToPath(new URL('../../functions/cli/start.ts', import.meta.url))

/** From handing an event to the producer until /api/realtime/ndvi counts it, on the real running system. */
export async function benchDelay(): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'landcover-bench-'))
  const system = spawn(process.execPath, [START, '--no-demo', '--port', '0', '--state', state], { stdio: 'pipe' })
  try {
    const url = await printedUrl(system)
    const log = openSqliteEventLog({ file: logFile(state) })
    const producer = createProducer(log)
    const delays: number[] = []
    for (let index = 0; index < EVENTS; index++) {
      const began = performance.now()
      await producer.send([toWireEvent(liveImage({ seed: 1, index, atMs: Date.now() }))])
      while ((await countedImages(url)) <= index) await sleep(2)
      const delay = performance.now() - began
      delays.push(delay)
      await sleep(Math.max(1000 / EVENTS_PER_SECOND - delay, 0))
    }
    await log.close()
    printTable(`Produce to visible in the API, ${EVENTS} events at up to ${EVENTS_PER_SECOND} a second`, [
      { 'p50 ms': quantile(delays, 0.5).toFixed(0), 'p95 ms': quantile(delays, 0.95).toFixed(0) },
    ])
  } finally {
    system.kill('SIGINT')
    await once(system, 'exit')
    rmSync(state, { recursive: true })
  }
}

async function printedUrl(system: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: system.stdout as NonNullable<typeof system.stdout> })) {
    const url = /http:\S+/.exec(line)?.[0]
    if (url) return url
  }
  throw new Error('the system did not start')
}

async function countedImages(url: string): Promise<number> {
  const rows = (await (await fetch(`${url}/api/realtime/ndvi`)).json()) as { count: number }[]
  return rows.reduce((sum, row) => sum + row.count, 0)
}
