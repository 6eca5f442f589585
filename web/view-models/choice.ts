import type { Step } from '../../functions/serving/schemas.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from './time.ts'

/** The reader's choice. It is in the page's address, so that a link shows the same view. */
export type Choice = {
  /** Highlighted class; null for all classes. */
  focus: string | null
  range: RangeName
  scale: TrendScale
  /** Filter: unusual images of this rule. */
  rule: string | null
  /** Filter: unusual images at least this far from normal, in standard deviations. */
  minScore: number | null
  /** Filter: hides unusual images that the reader has marked as seen. */
  hidesSeen: boolean
}

/** Scale of the trend chart. `ndvi`: as measured. `difference`: minus the class's mean over all history. */
export type TrendScale = 'ndvi' | 'difference'

/** Length of the period, and of one step in it: `every` for the API, and `stepMs`. */
export type Range = { spanMs: number; every: Step; stepMs: number }

const minutes = { every: '10m', stepMs: 10 * MINUTE_MS } as const
const hours = { every: '1h', stepMs: HOUR_MS } as const
const days = { every: '1d', stepMs: DAY_MS } as const

export const RANGES = {
  '1h': { spanMs: HOUR_MS, ...minutes },
  '6h': { spanMs: 6 * HOUR_MS, ...minutes },
  '24h': { spanMs: DAY_MS, ...hours },
  '7d': { spanMs: 7 * DAY_MS, ...days },
  '30d': { spanMs: 30 * DAY_MS, ...days },
  '1y': { spanMs: 365 * DAY_MS, ...days },
} as const satisfies Record<string, Range>
/** Name of a time range that the reader can choose. */
export type RangeName = keyof typeof RANGES
export const RANGE_NAMES = Object.keys(RANGES) as RangeName[]

/** Options of the filter by distance from normal, in standard deviations. */
export const MIN_SCORES = [3, 4, 5] as const

const DEFAULTS: Choice = { focus: null, range: '6h', scale: 'ndvi', rule: null, minScore: null, hidesSeen: false }

/** Reads the choice from an address. Invalid values are ignored: the default applies. */
export function choiceOf(parameters: URLSearchParams): Choice {
  return {
    focus: nameIn(parameters, 'class'),
    range: RANGE_NAMES.find(name => name === parameters.get('range')) ?? DEFAULTS.range,
    scale: parameters.get('scale') === 'difference' ? 'difference' : 'ndvi',
    rule: nameIn(parameters, 'rule'),
    minScore: MIN_SCORES.find(score => String(score) === parameters.get('off')) ?? null,
    hidesSeen: parameters.get('seen') === 'hidden',
  }
}

/** Longest class or rule name that the API accepts. */
const MAX_NAME_LENGTH = 256

function nameIn(parameters: URLSearchParams, name: string): string | null {
  const value = parameters.get(name)
  return value && value.length <= MAX_NAME_LENGTH ? value : null
}

/** Writes the choice into the parameters of an address. Defaults are left out; other parameters stay. */
export function parametersOf(choice: Choice, before: URLSearchParams): URLSearchParams {
  const parameters = new URLSearchParams(before)
  const named: [name: string, value: string | number | null, byDefault: string | null][] = [
    ['class', choice.focus, null],
    ['range', choice.range, DEFAULTS.range],
    ['scale', choice.scale, DEFAULTS.scale],
    ['rule', choice.rule, null],
    ['off', choice.minScore, null],
    ['seen', choice.hidesSeen ? 'hidden' : null, null],
  ]
  for (const [name, value, byDefault] of named) {
    if (value === byDefault || value === null) parameters.delete(name)
    else parameters.set(name, String(value))
  }
  return parameters
}
