import { MINUTE_MS } from './time.ts'

/** Limits and ticks of axes. They stay the same when the data changes a little. */

export type Limits = { min: number; max: number }

/** Limits and the distance between ticks. The limits are whole multiples of the distance. */
export type Scale = Limits & { step: number }

const STEPS = [1, 2, 5]

/** Smallest round step (1, 2 or 5 times a power of ten) that divides `span` into at most `maxSteps` intervals. */
export function roundStep(span: number, maxSteps: number): number {
  const raw = Math.max(span, Number.EPSILON) / maxSteps
  const power = 10 ** Math.floor(Math.log10(raw))
  return (STEPS.find(step => step * power >= raw * (1 - 1e-9)) ?? 10) * power
}

/** Range of `values` and `include`, widened to whole steps. A range smaller than `minSpan` is widened to it first. */
export function roundLimits(values: readonly number[], include: readonly number[], minSpan: number): Scale {
  const all = [...values, ...include].filter(Number.isFinite)
  if (all.length === 0) return { min: 0, max: minSpan, step: minSpan }
  // Not Math.min(...all): a year of many classes has too many values for arguments of a call.
  let min = all.reduce((least, value) => Math.min(least, value))
  let max = all.reduce((most, value) => Math.max(most, value))
  if (max - min < minSpan) {
    const middle = (min + max) / 2
    min = middle - minSpan / 2
    max = middle + minSpan / 2
  }
  const step = roundStep(max - min, 7)
  return {
    min: clean(Math.floor(min / step + 1e-9) * step),
    max: clean(Math.ceil(max / step - 1e-9) * step),
    step,
  }
}

/** Number of decimals that tick labels need: one for a step of 0.2, two for 0.05. */
export const decimalsOf = (step: number): number => Math.max(1, Math.ceil(-Math.log10(step) - 1e-9))

const clean = (value: number) => Number(value.toFixed(9))

const TIME_STEPS_MS = [10, 20, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 20160, 40320, 80640].map(
  minutes => minutes * MINUTE_MS,
)

/**
 * Round times within the limits, at most `maxTicks`. `offsetMs` is the local zone's offset from UTC, so that hourly
 * ticks are at local hours.
 */
export function timeTicks({ min, max }: Limits, maxTicks: number, offsetMs = 0): number[] {
  const step =
    TIME_STEPS_MS.find(candidate => Math.floor((max - min) / candidate) < maxTicks) ?? (max - min) / (maxTicks - 1)
  const ticks: number[] = []
  for (let tick = Math.ceil((min + offsetMs) / step) * step - offsetMs; tick <= max; tick += step) ticks.push(tick)
  return ticks
}

const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120]

/** Starts of UTC months within the limits, at most `maxTicks`: every month, every second, third or sixth, or years. */
export function monthTicks({ min, max }: Limits, maxTicks: number): number[] {
  const start = new Date(min)
  const monthOf = (ms: number) => new Date(ms).getUTCFullYear() * 12 + new Date(ms).getUTCMonth()
  const first = monthOf(min) + (min === Date.UTC(start.getUTCFullYear(), start.getUTCMonth()) ? 0 : 1)
  const last = monthOf(max)
  for (const step of MONTH_STEPS) {
    const ticks: number[] = []
    for (let month = Math.ceil(first / step) * step; month <= last; month += step)
      ticks.push(Date.UTC(Math.floor(month / 12), month % 12))
    if (ticks.length <= maxTicks) return ticks
  }
  return []
}

/**
 * Moves positions apart, so that neighbours have a distance of `gap` and all lie within the limits. Each stays as near
 * as possible to its wanted position. Keeps the order. When there is not enough room, the gap is smaller.
 */
export function spreadApart(wanted: readonly number[], gap: number, { min, max }: Limits): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0) || a - b)
  const room = wanted.length > 1 ? Math.min(gap, (max - min) / (wanted.length - 1)) : gap
  // Neighbours that collide form a pool. A pool is at the mean of its members' wanted positions (isotonic regression of
  // `wanted - place * room`, pool adjacent violators algorithm).
  const pools: { sum: number; size: number }[] = []
  for (const [place, index] of order.entries()) {
    pools.push({ sum: (wanted[index] ?? 0) - place * room, size: 1 })
    for (;;) {
      const last = pools.at(-1)
      const before = pools.at(-2)
      if (!last || !before || before.sum / before.size <= last.sum / last.size) break
      before.sum += last.sum
      before.size += last.size
      pools.pop()
    }
  }
  const result = new Array<number>(wanted.length)
  const highest = max - Math.max(0, wanted.length - 1) * room
  let place = 0
  for (const pool of pools) {
    const start = Math.min(Math.max(pool.sum / pool.size, min), highest)
    for (let member = 0; member < pool.size; member++, place++) result[order[place] as number] = start + place * room
  }
  return result
}
