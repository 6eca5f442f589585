import { SECOND_MS } from '../core/time.ts'

/** Time between two checks of the parent process, ms. */
const LOOK_EVERY_MS = SECOND_MS / 2

/**
 * Calls `end` when npm, which started this process, has ended. On SIGTERM npm ends and leaves its child running, so a
 * supervisor that stops `npm start` would not stop the system. A process that npm did not start is left alone.
 *
 * @param signal ends the watch
 */
export function endWithNpm(end: () => void, signal: AbortSignal): void {
  if (process.env.npm_lifecycle_event === undefined) return
  const npm = process.ppid
  const timer = setInterval(() => {
    if (process.ppid !== npm) end()
  }, LOOK_EVERY_MS)
  timer.unref()
  signal.addEventListener('abort', () => clearInterval(timer))
}
