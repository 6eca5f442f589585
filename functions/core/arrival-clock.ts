import { HOUR_MS, MINUTE_MS } from './time.ts'

/** A reading of a machine's clocks. */
export interface ClockReading {
  /** The wall clock, ms since the epoch: people and time servers set it. */
  wallMs: number
  /** Time since the machine was started, suspended or not, ms: nobody sets it. */
  upMs: number
  /** Names the machine's last start: times since two starts cannot be compared. */
  boot: string
}

/** The newest arrival in a log, and when it was. */
export interface LastArrival extends Omit<ClockReading, 'wallMs'> {
  arrivalMs: number
}

/** A wall clock that moved ahead by more than this, beyond the time that has passed, is not believed at once. */
export const LEAP_MS = HOUR_MS
/** How long a wall clock must stay where it has leapt to until it is believed. */
export const CONFIRMED_MS = MINUTE_MS
/** Arrival may stand still for so long where the wall clock was set back. Beyond that, arrival goes on at half speed. */
export const STANDSTILL_MS = MINUTE_MS

/**
 * By how much the wall clock lies ahead of a time that was right, and the time that has passed since, ms; 0 where that
 * cannot be known.
 */
function leapMs(now: ClockReading, since: LastArrival | undefined): number {
  if (!since || since.boot !== now.boot || now.upMs < since.upMs) return 0
  return now.wallMs - since.arrivalMs - (now.upMs - since.upMs)
}

/**
 * The arrival time of what arrives now. It never goes back. Where the newest arrival lies ahead of the wall clock, since
 * that was set back or had been wrong, arrival goes on at half speed until the wall clock has caught up: slots still
 * end, so the batch layer goes on.
 */
export function nextArrivalMs(now: ClockReading, last: LastArrival | undefined): number {
  if (!last || now.wallMs >= last.arrivalMs) return now.wallMs
  if (last.arrivalMs - now.wallMs <= STANDSTILL_MS || last.boot !== now.boot) return last.arrivalMs
  return last.arrivalMs + Math.floor(Math.max(now.upMs - last.upMs, 0) / 2)
}

/** A wall clock that has leapt ahead, as long as it is not believed. */
export class ClockLeapError extends Error {
  constructor(now: ClockReading, leap: number) {
    super(
      `the clock of this machine has leapt ${Math.round(leap / MINUTE_MS)} minutes ahead, to ${new Date(now.wallMs).toISOString()}: nothing is stored until it is set right, or has stayed so for ${CONFIRMED_MS / MINUTE_MS} minute`,
    )
    this.name = 'ClockLeapError'
  }
}

/**
 * Tells for each reading whether its wall clock may be believed: one that has leapt ahead only when it has stayed so for
 * the time of a confirmation. So a clock that is wrong for some seconds leaves no arrival behind that lies years ahead.
 *
 * @returns throws ClockLeapError for a reading that is not believed
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
