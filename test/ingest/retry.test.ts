import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { appendWithRetries, LAST_ATTEMPT_MS, systemTime } from '../../functions/ingest/retry.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'

const RECORD = { key: 'a', data: Buffer.from('a') }

describe('a record that is not stored', () => {
  it.each([
    ['is sent again after a sleep to the last moment of the limit', LAST_ATTEMPT_MS, 2],
    ['is given up after a sleep that was longer, as that of a suspended machine', LAST_ATTEMPT_MS + 1, 1],
  ])('%s', async (_, sleptMs, attempts) => {
    let nowMs = 0
    let appended = 0
    const log = {
      append: async () => {
        appended++
        return [{ error: 'no room' }]
      },
    } as Pick<EventLog, 'append'> as EventLog
    const time = {
      now: () => nowMs,
      sleep: async () => {
        nowMs += sleptMs
      },
      random: () => 0.5,
    }
    expect(await appendWithRetries(log, RECORD, time, () => {})).toEqual({ error: 'no room' })
    expect(appended).toBe(attempts)
  })
})

describe('the time of retries', () => {
  it('is the larger of the times that the wall clock and the monotonic clock show', () => {
    let wallMs = 1_000
    let monotonicMs = 0
    vi.spyOn(Date, 'now').mockImplementation(() => wallMs)
    vi.spyOn(performance, 'now').mockImplementation(() => monotonicMs)
    onTestFinished(() => void vi.restoreAllMocks())
    const time = systemTime()
    const passed = (wall: number, monotonic: number) => {
      wallMs += wall
      monotonicMs += monotonic
      return time.now()
    }
    expect(passed(5, 5)).toBe(5)
    // The machine was suspended.
    expect(passed(60_000, 1)).toBe(60_005)
    // The wall clock was set back.
    expect(passed(-3_600_000, 10)).toBe(60_015)
    expect(passed(7, 7)).toBe(60_022)
  })
})
