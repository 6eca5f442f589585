import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nextDelayMs, startPolling } from '../../web/poll.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Fake page that can be hidden and shown. */
function fakePage() {
  const events = new EventTarget()
  const page = {
    hidden: false,
    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),
  }
  const setHidden = (hidden: boolean) => {
    page.hidden = hidden
    events.dispatchEvent(new Event('visibilitychange'))
  }
  return { page: page as unknown as Document, setHidden }
}

function start(outcomes: (boolean | Promise<boolean>)[]) {
  const { page, setHidden } = fakePage()
  const signals: AbortSignal[] = []
  const schedule: (number | null)[] = []
  const poll = startPolling({
    intervalMs: 5000,
    page,
    random: () => 0.5,
    onSchedule: delayMs => schedule.push(delayMs),
    round: async signal => {
      signals.push(signal)
      return (await outcomes[signals.length - 1]) ?? true
    },
  })
  return { poll, setHidden, signals, schedule }
}

describe('the delay before the next round', () => {
  test('is the interval after a success, and doubles after failures up to a minute', () => {
    expect([0, 1, 2, 3, 4, 5, 99].map(failures => nextDelayMs(failures, 5000, 0.5))).toEqual([
      5000, 5000, 10_000, 20_000, 40_000, 60_000, 60_000,
    ])
  })

  test('differs slightly between pages', () => {
    expect([nextDelayMs(2, 5000, 0), nextDelayMs(2, 5000, 1)]).toEqual([8000, 12_000])
  })
})

describe('polling', () => {
  test('starts immediately and repeats every interval', async () => {
    const { signals } = start([])
    await vi.advanceTimersByTimeAsync(10_100)
    expect(signals).toHaveLength(3)
  })

  test('waits longer after each failure, and returns to the interval after a success', async () => {
    const { schedule } = start([false, false, true])
    await vi.advanceTimersByTimeAsync(15_100)
    expect(schedule.filter(delay => delay !== null)).toEqual([5000, 10_000, 5000])
  })

  test('never runs two rounds at the same time, even with a slow response', async () => {
    const { signals } = start([new Promise(() => {})])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(signals).toHaveLength(1)
  })

  test('now() aborts the running round', async () => {
    const slow = new Promise<boolean>(() => {})
    const { poll, signals } = start([slow, slow])
    poll.now()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  })

  test('now() removes the old timer', async () => {
    const { poll, signals } = start([])
    await vi.advanceTimersByTimeAsync(4000)
    poll.now()
    await vi.advanceTimersByTimeAsync(4900)
    expect(signals).toHaveLength(2)
  })

  test('a hidden page requests nothing, and starts immediately when it is shown again', async () => {
    const { setHidden, signals } = start([])
    await vi.advanceTimersByTimeAsync(0)
    setHidden(true)
    await vi.advanceTimersByTimeAsync(600_000)
    expect(signals).toHaveLength(1)
    setHidden(false)
    expect(signals).toHaveLength(2)
  })

  test('hiding the page aborts the running round, which does not count as a failure', async () => {
    let finish: (ok: boolean) => void = () => {}
    const { setHidden, signals, schedule } = start([new Promise(resolve => (finish = resolve))])
    setHidden(true)
    expect(signals[0]?.aborted).toBe(true)
    finish(false)
    await vi.advanceTimersByTimeAsync(0)
    setHidden(false)
    await vi.advanceTimersByTimeAsync(0)
    expect(signals).toHaveLength(2)
    expect(schedule.at(-1)).toBe(5000)
  })

  test('stop() ends polling permanently', async () => {
    const { poll, setHidden, signals } = start([])
    poll.stop()
    setHidden(false)
    poll.now()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(signals).toHaveLength(1)
  })
})
