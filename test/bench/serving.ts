import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { liveImage, toWireEvent } from '../../data/generator.ts'
import { importEvents } from '../../functions/archive/imports.ts'
import { decodeEvent } from '../../functions/core/event.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { readEnvironment } from '../../functions/runtime/config/environment.ts'
import { importDemoHistory } from '../../functions/runtime/local/demo.ts'
import { endpointsOf } from '../../functions/runtime/local/endpoints.ts'
import { openLocalRuntime } from '../../functions/runtime/local/runtime.ts'
import { openState } from '../../functions/runtime/local/state.ts'
import { servingHandler } from '../../functions/serving/handler.ts'
import { readsFor } from '../support/dashboards.ts'
import { NOON_MS } from '../support/factories.ts'
import { eventually, run, startSystem, totalCount, urlOf } from '../support/landcover.ts'
import { openPipeline } from '../support/pipeline.ts'
import { median, printTable } from './report.ts'

const EVENTS_PER_SECOND = 2_000
const CONNECTIONS = 50
const ROUNDS = 5
const ROUND_SECONDS = 3

/** Measures requests a second of the API, and the cost of an answer. */
export async function benchServing(): Promise<void> {
  if (spawnSync('wrk', ['-v']).error)
    console.log('\nRequests a second are skipped: wrk was not found (apt-get install wrk)')
  else await benchRequests()
  await benchHistory()
  await benchDashboards()
}

/** Compares the running system, while events flow, with a bare server that gives the same answer. */
async function benchRequests(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'landcover-bench-'))
  const state = join(folder, 'state')
  await makeHistory(state)
  const system = await startSystem(state)
  const before = totalCount(await system.classStats())
  const producer = run('test/bench/steady-producer.ts', [state, String(EVENTS_PER_SECOND)])
  try {
    await eventually(system.classStats, rows => totalCount(rows) > before + 3 * EVENTS_PER_SECOND)
    const tag = (await fetch(`${system.url}/api/batch/class-stats`)).headers.get('ETag') as string
    const rows = [
      await besideBare('/api/class-stats, which changes: 200', `${system.url}/api/class-stats`, {}),
      await besideBare('the same, as browsers ask: compressed', `${system.url}/api/class-stats`, {
        'Accept-Encoding': 'gzip, deflate, br, zstd',
      }),
      await besideBare('/api/batch/class-stats, known: 304', `${system.url}/api/batch/class-stats`, {
        'If-None-Match': tag,
      }),
    ]
    const title = `The API at ${CONNECTIONS} connections and ${EVENTS_PER_SECOND} events/s, beside a bare server`
    printTable(title, rows)
    const { speed } = await system.health()
    console.log(`Lag of the speed layer afterwards: at most ${speed.lag_ms} ms`)
  } finally {
    producer.child.kill()
    await producer.finished
    await system.interrupt()
    rmSync(folder, { recursive: true })
  }
}

/** Creates a month of images and their batch view. */
async function makeHistory(state: string): Promise<void> {
  const settings = await openState(state, { slotMs: HOUR_MS, demo: false, createdMs: Date.now() })
  const servers = endpointsOf(state, settings, { log: undefined, store: undefined })
  const runtime = await openLocalRuntime(state, settings, servers, readEnvironment({}), line =>
    process.stderr.write(line),
  )
  await importDemoHistory(runtime, settings.createdMs)
  await runtime.close()
}

async function besideBare(answer: string, url: string, headers: Record<string, string>): Promise<object> {
  const response = await fetch(url, { headers: { ...headers, 'Accept-Encoding': 'identity' } })
  const same = { status: response.status, headers: ownHeaders(response), body: await response.text() }
  const bare = run('test/bench/bare-server.ts', [JSON.stringify(same)])
  try {
    const bareUrl = await urlOf(bare)
    const rounds: { bare: Load; system: Load }[] = []
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push({ bare: await load(bareUrl, headers), system: await load(url, headers) })
    }
    const ofSystem = (of: (measured: Load) => number) => median(rounds.map(({ system }) => of(system)))
    return {
      answer,
      'requests/s': Math.round(ofSystem(({ requestsPerSecond }) => requestsPerSecond)),
      'bare requests/s': Math.round(median(rounds.map(({ bare }) => bare.requestsPerSecond))),
      ratio: median(rounds.map(({ bare, system }) => system.requestsPerSecond / bare.requestsPerSecond)).toFixed(2),
      'p50 ms': ofSystem(({ p50 }) => p50).toFixed(1),
      'p95 ms': ofSystem(({ p95 }) => p95).toFixed(1),
      'p99 ms': ofSystem(({ p99 }) => p99).toFixed(1),
      failed: rounds.reduce((sum, { system }) => sum + system.failed, 0),
    }
  } finally {
    bare.child.kill()
    await bare.finished
  }
}

/** Headers of an answer, without those that Node adds. */
function ownHeaders({ headers }: Response): Record<string, string> {
  const added = ['date', 'connection', 'keep-alive', 'transfer-encoding']
  return Object.fromEntries([...headers].filter(([name]) => !added.includes(name)))
}

interface Load {
  requestsPerSecond: number
  p50: number
  p95: number
  p99: number
  failed: number
}

async function load(url: string, headers: Record<string, string>): Promise<Load> {
  const { stdout } = await promisify(execFile)('wrk', [
    ...['--threads', '1', '--connections', String(CONNECTIONS), '--duration', `${ROUND_SECONDS}s`],
    ...['--script', join(import.meta.dirname, 'latency.lua')],
    ...Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
    url.replace('localhost', '127.0.0.1'),
  ])
  return JSON.parse(/^\{.*\}$/m.exec(stdout)?.[0] as string) as Load
}

const IMAGES_PER_DAY = 100
const HISTORIES_DAYS = [10, 1_000]
const QUESTIONS = 500

/** Measures the cost of the joined answer for a short and a long history. */
async function benchHistory(): Promise<void> {
  const histories = await Promise.all(HISTORIES_DAYS.map(openHistory))
  const costs = histories.map(() => [] as number[])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, { ask }] of histories.entries()) {
      const startMs = performance.now()
      for (let question = 0; question < QUESTIONS; question++) await ask()
      costs[at]?.push((performance.now() - startMs) / QUESTIONS)
    }
  }
  const [short, long] = costs as [number[], number[]]
  printTable(
    'The joined answer by the length of history, which it should not depend on',
    HISTORIES_DAYS.map((days, at) => ({
      days,
      images: days * IMAGES_PER_DAY,
      'ms an answer': median(costs[at] as number[]).toFixed(3),
    })),
  )
  const ratios = long.map((cost, round) => cost / (short[round] as number))
  console.log(`Ratio: ${median(ratios).toFixed(2)}`)
  await Promise.all(histories.map(({ close }) => close()))
}

async function openHistory(days: number) {
  const pipeline = await openPipeline({
    streamIdentity: 'bench',
    slotMs: HOUR_MS,
    lanes: async () => [],
    now: () => NOON_MS,
  })
  const events = Array.from({ length: days * IMAGES_PER_DAY }, (_, index) => {
    const atMs = NOON_MS - (index * DAY_MS) / IMAGES_PER_DAY
    return decodeEvent(toWireEvent(liveImage({ seed: 1, index, atMs })), NOON_MS)
  })
  await importEvents(pipeline.objects, HOUR_MS, 'history', [events], NOON_MS)
  await pipeline.runBatch()
  const handler = servingHandler({ ...pipeline.serving, logger: pipeline.logger })
  const question = { httpMethod: 'GET', path: '/api/class-stats', headers: {} } as unknown as APIGatewayProxyEvent
  return {
    async ask() {
      const { statusCode } = await handler(question)
      if (statusCode !== 200) throw new Error(`the API answered ${statusCode}`)
    },
    close: () => pipeline.close(),
  }
}

/** Cache time of CloudFront: see infra/constructs/distribution.ts. */
const SHARED_MS = 2_000
const POLLED_EVERY_MS = 5_000
const POLLED_FOR_MS = 3 * MINUTE_MS

async function benchDashboards(): Promise<void> {
  const reads = async (count: number, everyMs: number, sharedMs: number) => ({
    dashboards: count,
    'asking every, s': everyMs / 1000,
    'answers shared for, s': sharedMs / 1000,
    'reads of the store': await readsFor(
      { count, everyMs, startsAt: at => (at * everyMs) / count },
      POLLED_FOR_MS,
      sharedMs,
    ),
  })
  printTable(`What dashboards cost the store in ${POLLED_FOR_MS / MINUTE_MS} minutes`, [
    await reads(1, POLLED_EVERY_MS, SHARED_MS),
    await reads(1, SHARED_MS, 0),
    await reads(100, POLLED_EVERY_MS, SHARED_MS),
  ])
}

if (import.meta.main) await benchServing()
