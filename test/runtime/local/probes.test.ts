import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { prometheusMetrics } from '../../../functions/adapters/prometheus/metrics.ts'
import { openSqliteEventLog } from '../../../functions/adapters/sqlite/event-log.ts'
import { openSqliteSpeedStore } from '../../../functions/adapters/sqlite/speed-store.ts'
import { failureRegistry } from '../../../functions/runtime/local/failure-registry.ts'
import { healthGauges, probesOf } from '../../../functions/runtime/local/probes.ts'
import { APPEND_COMPONENT } from '../../../functions/runtime/local/watched-log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

function open() {
  const folder = temporaryFolder()
  mkdirSync(folder, { recursive: true })
  const log = openSqliteEventLog({ file: join(folder, 'log.sqlite') })
  const store = openSqliteSpeedStore(join(folder, 'store.sqlite'))
  const failures = failureRegistry(() => 0)
  const metrics = prometheusMetrics('landcover', async () => [])
  const ports = { log, store, failing: failures.failing, metrics }
  const close = async () => void (await Promise.all([log.close(), store.close()]))
  const ask = async (path: string, changed: Partial<typeof ports> = {}) => {
    const answer = await probesOf({ ...ports, ...changed }).get(path)?.()
    if (!answer) throw new Error(`no probe at ${path}`)
    return { ...answer, body: answer.body }
  }
  const reasons = async (changed?: Partial<typeof ports>): Promise<[number, string[]]> => {
    const { statusCode, body } = await ask('/readyz', changed)
    return [statusCode, (JSON.parse(body) as { reasons?: string[] }).reasons ?? []]
  }
  return { ask, reasons, log, store, failures, close }
}

describe('a system is ready', () => {
  it('while its store and its log can be used', async () => {
    const { ask, reasons, close } = open()
    onTestFinished(close)
    expect(await reasons()).toEqual([200, []])
    expect((await ask('/livez')).statusCode).toBe(200)
  })

  it('not when its store or its log cannot be read; it says which, and stays live', async () => {
    const { ask, reasons, close } = open()
    await close()
    const [status, named] = await reasons()
    expect(status).toBe(503)
    expect(named).toEqual([
      expect.stringMatching(/^The speed store cannot be read: .+\.$/),
      expect.stringMatching(/^The event log cannot be read: .+\.$/),
    ])
    expect(JSON.parse((await ask('/readyz')).body)).toMatchObject({ title: 'The system is not ready', status: 503 })
    expect((await ask('/livez')).statusCode).toBe(200)
  })

  it('not while its store lacks a table, or appending to its log fails', async () => {
    const { reasons, store, failures, close } = open()
    onTestFinished(close)
    const unready = Object.assign(Object.create(store) as typeof store, {
      unready: async () => ['A table is missing.'],
    })
    expect(await reasons({ store: unready })).toEqual([503, ['A table is missing.']])
    failures.failed(APPEND_COMPONENT, new Error('disk is full'))
    expect(await reasons()).toEqual([503, ['Appending to the event log fails: disk is full']])
    failures.recovered(APPEND_COMPONENT)
    failures.failed('The batch run', new Error('no memory'))
    expect(await reasons()).toEqual([200, []])
  })

  it('not when its store gives no answer', async () => {
    const { reasons, store, close } = open()
    onTestFinished(close)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const hanging = Object.assign(Object.create(store) as typeof store, { readCursors: () => new Promise(() => {}) })
    const asked = reasons({ store: hanging })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await asked).toEqual([503, ['The speed store cannot be read: no answer within 5 s.']])
  })
})

describe('gauges of health', () => {
  const gauges = async (answer: () => Promise<{ statusCode: number; body: string }>) =>
    (await healthGauges(() => answer)()).map(({ name, value }) => [name, value])

  it('are its status and its lag', async () => {
    const health = { status: 'ok', speed: { lag_ms: 12 } }
    const answer = (changes: object) => async () => ({
      statusCode: 200,
      body: JSON.stringify({ ...health, ...changes }),
    })
    expect(await gauges(answer({}))).toEqual([
      ['degraded', 0],
      ['lagMs', 12],
    ])
    expect(await gauges(answer({ status: 'degraded', speed: { lag_ms: null } }))).toEqual([
      ['degraded', 1],
      ['lagMs', null],
    ])
  })

  it('say that the system is degraded when there is no answer', async () => {
    const unknown = [
      ['degraded', 1],
      ['lagMs', null],
    ]
    expect(await gauges(async () => ({ statusCode: 503, body: '{}' }))).toEqual(unknown)
    expect(await gauges(() => Promise.reject(new Error('no')))).toEqual(unknown)
  })
})
