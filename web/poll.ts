/**
 * Delay before the next round, ms: the normal interval after a success; after failures it doubles up to a minute. A
 * random factor (`random` in 0..1) keeps many open pages from retrying at the same instant.
 */
export function nextDelayMs(failures: number, intervalMs: number, random: number, maxMs = 60_000): number {
  if (failures <= 0) return intervalMs
  const full = Math.min(maxMs, intervalMs * 2 ** Math.min(failures - 1, 16))
  return Math.round(full * (0.8 + 0.4 * random))
}

/** Running poll of the API. */
export type Poll = {
  /** Starts a round immediately. A running round is aborted. */
  now(): void
  stop(): void
}

/** Options of a poll: what a round does, and how long to wait between rounds. */
export type PollOptions = {
  intervalMs: number
  /**
   * Runs one round and resolves to true when it succeeded. Must not reject. `signal` aborts when the result is no
   * longer needed.
   */
  round: (signal: AbortSignal) => Promise<boolean>
  /** Called with the delay until the next round, ms; null while paused or while a round runs. */
  onSchedule: (delayMs: number | null) => void
  page: Pick<Document, 'hidden' | 'addEventListener' | 'removeEventListener'>
  random: () => number
}

/**
 * Runs `round` repeatedly, one at a time: `intervalMs` after the end of the last one, later after failures. While the
 * page is hidden no round runs; when it is shown again, one starts immediately.
 */
export function startPolling({ intervalMs, round, onSchedule, page, random }: PollOptions): Poll {
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: AbortController | undefined
  let stopped = false

  async function run() {
    clearTimeout(timer)
    if (running || stopped || page.hidden) return
    const controller = new AbortController()
    running = controller
    onSchedule(null)
    const succeeded = await round(controller.signal)
    if (running === controller) running = undefined
    // Aborted means paused or stopped: this is not a failure, and the caller that aborted decides what follows.
    if (controller.signal.aborted) return
    failures = succeeded ? 0 : failures + 1
    const delayMs = nextDelayMs(failures, intervalMs, random())
    timer = setTimeout(run, delayMs)
    onSchedule(delayMs)
  }

  function pause() {
    clearTimeout(timer)
    running?.abort()
    running = undefined
    onSchedule(null)
  }

  function onVisibility() {
    if (page.hidden) pause()
    else void run()
  }

  page.addEventListener('visibilitychange', onVisibility)
  void run()

  return {
    now() {
      pause()
      void run()
    },
    stop() {
      stopped = true
      page.removeEventListener('visibilitychange', onVisibility)
      pause()
    },
  }
}
