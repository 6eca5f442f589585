import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { liveImage, toWireEvent } from '../../data/generator.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { createProducer } from '../../functions/ingest/producer.ts'
import { logFile } from '../../functions/runtime/local/state.ts'
import type { WindowRow } from '../../functions/serving/schemas.ts'
import { startSystem, totalCount } from '../support/landcover.ts'
import { printTable, quantile } from './report.ts'

const EVENTS = 300
const EVENTS_PER_SECOND = 20

/** Measures the time from passing an event to the producer until /api/realtime/ndvi counts it, on the real system. */
export async function benchDelay(): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'landcover-bench-'))
  const system = await startSystem(state)
  try {
    const log = openSqliteEventLog({ file: logFile(state) })
    const producer = createProducer(log)
    const delays: number[] = []
    for (let index = 0; index < EVENTS; index++) {
      const began = performance.now()
      await producer.send([toWireEvent(liveImage({ seed: 1, index, atMs: Date.now() }))])
      while (totalCount(await system.get<WindowRow[]>('/api/realtime/ndvi')) <= index) await sleep(2)
      const delay = performance.now() - began
      delays.push(delay)
      await sleep(Math.max(1000 / EVENTS_PER_SECOND - delay, 0))
    }
    await log.close()
    printTable(`Produce to visible in the API, ${EVENTS} events at up to ${EVENTS_PER_SECOND} a second`, [
      { 'p50 ms': quantile(delays, 0.5).toFixed(0), 'p95 ms': quantile(delays, 0.95).toFixed(0) },
    ])
  } finally {
    await system.interrupt()
    rmSync(state, { recursive: true })
  }
}
