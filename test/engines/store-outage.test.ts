import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { liveImage, toWireEvent } from '../../data/generator.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { createProducer } from '../../functions/ingest/producer.ts'
import { logFile } from '../../functions/runtime/local/state.ts'
import type { ClassStatsRow } from '../../functions/serving/schemas.ts'
import { eventually, startSystem, totalCount } from '../support/landcover.ts'
import { byClass, recount } from '../support/recount.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Cassandra, startCassandra } from './cassandra.ts'
import { describeWithJava } from './java.ts'

const SEED = 20_261_122
const EVENTS_EACH = 10
const SEND_EVERY_MS = 20
const ASK_EVERY_MS = 50
const AWAY_MS = 10_000
/** The handler gives up after 7 s; the rest is for a machine that is busy. */
const BOUND_MS = 10_000
/** Time for an answer that was under way when the store went down. */
const ON_ITS_WAY_MS = 200
/** Time in which a count could go beyond the right number. */
const SETTLED_MS = 3_000
const PATIENCE_MS = 5 * 60_000

const CLASS_STATS = '/api/class-stats'
const HEALTH = '/api/health'
const TABLES = [CLASS_STATS, '/api/realtime/ndvi', '/api/windows', '/api/anomalies', '/api/batch/class-stats']
const ASKED = [...TABLES, HEALTH]
/** The batch view is not in the speed store. */
const OF_STORE = TABLES.filter(path => path !== '/api/batch/class-stats')

interface Answer {
  path: string
  askedMs: number
  answeredMs: number
  status: number
  headers: Headers
  body: unknown
  /** Counts of all time, when they were asked for. */
  images: number
  /** The most of any answer that was there when this one was asked. */
  imagesBefore: number
}

describeWithJava('the system, while its Cassandra is away,', () => {
  let cassandra: Cassandra
  beforeAll(async () => {
    cassandra = await startCassandra()
  })
  afterAll(async () => {
    await cassandra?.stop()
  })

  it.each([
    ['was killed', () => cassandra.kill(), () => cassandra.restart()],
    ['answers nothing', async () => cassandra.freeze(), async () => cassandra.thaw()],
  ])(
    'that %s, returns its last answers or an error in time, and counts everything when it is back',
    async (name, goAway, comeBack) => {
      const state = temporaryFolder()
      const store = `cassandra://${cassandra.contactPoint}/${name.replaceAll(' ', '_')}`
      const before = await untilNormalIsKnown(state, store)
      const system = await startSystem(state)
      const answers: Answer[] = []
      const stopping = new AbortController()
      const sending = send(state, stopping.signal)
      for (const path of TABLES) await eventually(() => system.get<unknown[]>(path), hasRows)
      const reading = [...ASKED, ...ASKED].map(path => read(system.url, path, answers, stopping.signal))
      await sleep(1_000)

      const goneMs = performance.now()
      await goAway()
      await sleep(AWAY_MS)
      const backMs = performance.now()
      await comeBack()
      await eventually(
        () => fetch(system.url + HEALTH),
        ({ status }) => status === 200,
      )
      stopping.abort()
      const events = await sending
      await Promise.all(reading)

      for (const answer of answers) expectGood(answer)
      const meanwhile = answers.filter(
        ({ askedMs, answeredMs }) => askedMs > goneMs + ON_ITS_WAY_MS && answeredMs < backMs,
      )
      expect(new Set(meanwhile.map(({ path }) => path))).toEqual(new Set(ASKED))
      for (const { path, status, headers } of meanwhile) {
        expect([path, status, headers.has('age')]).toEqual([path, path === HEALTH ? 503 : 200, OF_STORE.includes(path)])
      }

      await eventually(system.classStats, rows => totalCount(rows) >= before.length + events.length)
      await sleep(SETTLED_MS)
      const counted = (await system.classStats()).map(({ class_name, count, ndvi_avg }) => [
        class_name,
        [count, Math.round((ndvi_avg as number) * count * 1e6)],
      ])
      const sent = [...recount([...before, ...events], byClass)].map(([className, { count, ndviSum }]) => [
        className,
        [count, Number(ndviSum)],
      ])
      expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(sent))
      expect((await system.interrupt()).code).toBe(0)
    },
    PATIENCE_MS,
  )
})

/** Checks what must hold for every answer, in any state of the store. */
function expectGood({ path, askedMs, answeredMs, status, headers, body, images, imagesBefore }: Answer): void {
  const said = `${path}: ${status} after ${Math.round(answeredMs - askedMs)} ms`
  expect(answeredMs - askedMs, said).toBeLessThan(BOUND_MS)
  if (status === 503) {
    expect(headers.get('content-type'), said).toBe('application/problem+json')
    expect(Number(headers.get('retry-after')), said).toBeGreaterThan(0)
    expect(body, said).toMatchObject({ status: 503, title: expect.any(String) })
    return
  }
  expect(status, said).toBe(200)
  if (path !== HEALTH) expect(body, said).not.toEqual([])
  if (path === CLASS_STATS) expect(images, said).toBeGreaterThanOrEqual(imagesBefore)
}

/** Runs the system until a batch view has baselines. @returns images that the log has by then */
async function untilNormalIsKnown(state: string, store: string): Promise<WireEvent[]> {
  const system = await startSystem(state, ['--slot', '2s', '--store', store])
  const stopping = new AbortController()
  const sending = send(state, stopping.signal)
  await eventually(() => system.get<unknown[]>('/api/batch/class-stats'), hasRows)
  stopping.abort()
  await system.interrupt()
  return sending
}

const hasRows = (rows: unknown[]) => rows.length > 0

/** Sends images until it is stopped. @returns images that the log has */
async function send(state: string, signal: AbortSignal): Promise<WireEvent[]> {
  const log = openSqliteEventLog({ file: logFile(state) })
  const producer = createProducer(log)
  const sent: WireEvent[] = []
  while (!signal.aborted) {
    const events = Array.from({ length: EVENTS_EACH }, (_, at) =>
      toWireEvent(liveImage({ seed: SEED, index: sent.length + at, atMs: Date.now() })),
    )
    await producer.send(events)
    sent.push(...events)
    await sleep(SEND_EVERY_MS)
  }
  await producer.close()
  await log.close()
  return sent
}

/** Repeats one request until it is stopped. */
async function read(url: string, path: string, answers: Answer[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const imagesBefore = Math.max(...answers.map(({ images }) => images), 0)
    const askedMs = performance.now()
    const response = await fetch(url + path)
    const body = await response.json()
    const timed = { path, askedMs, answeredMs: performance.now() }
    const images = path === CLASS_STATS && response.ok ? totalCount(body as ClassStatsRow[]) : 0
    answers.push({ ...timed, status: response.status, headers: response.headers, body, images, imagesBefore })
    await sleep(ASK_EVERY_MS)
  }
}
