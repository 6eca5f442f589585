/**
 * How long to wait before the next try: the usual interval while things work, then doubling up to a minute. A little
 * randomness (`random` in 0..1) keeps many open pages from coming back in the same instant.
 */
export function nextDelayMs(failures: number, intervalMs: number, random: number, maxMs = 60_000): number {
  if (failures <= 0) return intervalMs
  const full = Math.min(maxMs, intervalMs * 2 ** Math.min(failures - 1, 16))
  return Math.round(full * (0.8 + 0.4 * random))
}

export type Poll = {
  /** Asks at once instead of waiting; what is under way is given up. */
  now(): void
  stop(): void
}

export type PollOptions = {
  intervalMs: number
  /** One round; resolves to whether it succeeded. It must not reject. `signal` aborts when nobody waits for it any more. */
  round: (signal: AbortSignal) => Promise<boolean>
  /** Called when the next try is known (ms from now), or null when paused or under way. */
  onSchedule: (delayMs: number | null) => void
  page: Pick<Document, 'hidden' | 'addEventListener' | 'removeEventListener'>
  random: () => number
}

/**
 * Calls `round` again and again: one at a time, the next one `intervalMs` after the last one ended, later after failures.
 * While the page is hidden nothing is asked; when it is shown again, it asks at once.
 */
export function startPolling({ intervalMs, round, onSchedule, page, random }: PollOptions): Poll {
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let underWay: AbortController | undefined
  let stopped = false

  async function run() {
    clearTimeout(timer)
    if (underWay || stopped || page.hidden) return
    const controller = new AbortController()
    underWay = controller
    onSchedule(null)
    const succeeded = await round(controller.signal)
    if (underWay === controller) underWay = undefined
    // Aborted means paused or stopped: no failure, and whoever aborted decides what comes next.
    if (controller.signal.aborted) return
    failures = succeeded ? 0 : failures + 1
    const delayMs = nextDelayMs(failures, intervalMs, random())
    timer = setTimeout(run, delayMs)
    onSchedule(delayMs)
  }

  function pause() {
    clearTimeout(timer)
    underWay?.abort()
    underWay = undefined
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
