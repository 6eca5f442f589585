import { HOUR_MS, MINUTE_MS } from './time.ts'

/** Reading of the clocks of a machine. */
export interface ClockReading {
  /** Wall clock, ms since the epoch. People and time servers can set it. */
  wallMs: number
  /** Time since the machine was started, ms, including time in suspend. Nobody can set it. */
  upMs: number
  /** Id of the machine's last start. Values of `upMs` from two different starts cannot be compared. */
  boot: string
}

/** Newest arrival in a log, and the clock readings at that moment. */
export interface LastArrival extends Omit<ClockReading, 'wallMs'> {
  arrivalMs: number
}

/** Leap of the wall clock, beyond the time that has passed, above which the clock is not believed at once, ms. */
export const LEAP_MS = HOUR_MS
/** Time for which a wall clock must stay at its new value until it is believed, ms. */
export const CONFIRMED_MS = MINUTE_MS
/**
 * Difference up to which arrival time stands still after the wall clock was set back, ms. Beyond it, arrival time
 * advances at half speed.
 */
export const STANDSTILL_MS = MINUTE_MS

/**
 * Computes how far the wall clock has moved beyond the time that has passed since a trusted reading, ms; 0 when this
 * cannot be known.
 */
function leapMs(now: ClockReading, since: LastArrival | undefined): number {
  if (!since || since.boot !== now.boot || now.upMs < since.upMs) return 0
  return now.wallMs - since.arrivalMs - (now.upMs - since.upMs)
}

/**
 * Computes the arrival time for a record that arrives now. Arrival time never goes back. The newest arrival is ahead of
 * the wall clock when the clock was set back now, or was wrong before. Arrival time then advances at half speed until
 * the wall clock has caught up. Slots still end, so the batch layer continues.
 */
export function nextArrivalMs(now: ClockReading, last: LastArrival | undefined): number {
  if (!last || now.wallMs >= last.arrivalMs) return now.wallMs
  if (last.arrivalMs - now.wallMs <= STANDSTILL_MS || last.boot !== now.boot) return last.arrivalMs
  return last.arrivalMs + Math.floor(Math.max(now.upMs - last.upMs, 0) / 2)
}

/** Thrown while the wall clock has leapt ahead and is not believed yet. */
export class ClockLeapError extends Error {
  constructor(now: ClockReading, leap: number) {
    super(
      `the clock of this machine has leapt ${Math.round(leap / MINUTE_MS)} minutes ahead, to ${new Date(now.wallMs).toISOString()}: nothing is stored until it is set right, or has kept this time for ${CONFIRMED_MS / MINUTE_MS} minute`,
    )
    this.name = 'ClockLeapError'
  }
}

/**
 * Creates a check that refuses readings of a wall clock that has leapt ahead. A leap is accepted only after the clock
 * has kept it for CONFIRMED_MS. So a clock that is wrong for some seconds leaves no arrival time years in the future.
 *
 * @returns function that throws ClockLeapError for a reading that is not believed
 */
export function leapGuard(): (now: ClockReading, last: LastArrival | undefined) => void {
  let doubted: LastArrival | undefined
  return (now, last) => {
    const leap = leapMs(now, last)
    if (leap <= LEAP_MS) {
      doubted = undefined
      return
    }
    if (!doubted || Math.abs(leapMs(now, doubted)) > LEAP_MS) doubted = { ...now, arrivalMs: now.wallMs }
    if (now.upMs - doubted.upMs < CONFIRMED_MS) throw new ClockLeapError(now, leap)
  }
}
