import { BANDS, type Band, type ImageEvent } from './event.ts'
import { MICRO, MILLI } from './fixed-point.ts'

/**
 * Counts, sums and extremes of a set of events, all integers. Units: millionths (NDVI), millionths squared, thousandths
 * (bands). Adding is exact, commutative and associative.
 */
export interface Totals {
  count: number
  lateCount: number
  ndviSum: bigint
  ndviSquareSum: bigint
  /** Lowest and highest pixel of all images for which producers measured it. */
  ndviMin: number | null
  ndviMax: number | null
  bands: Record<Band, BandTotals>
}

/** Count and sum of a band's means, over the images that have the band. */
export interface BandTotals {
  count: number
  sum: bigint
}

/** Totals of no events. */
export function emptyTotals(): Totals {
  const bands = {} as Record<Band, BandTotals>
  for (const band of BANDS) bands[band] = { count: 0, sum: 0n }
  return { count: 0, lateCount: 0, ndviSum: 0n, ndviSquareSum: 0n, ndviMin: null, ndviMax: null, bands }
}

/** Adds totals. The order does not matter. */
export function addTotals(a: Totals, b: Totals): Totals {
  const bands = {} as Record<Band, BandTotals>
  for (const band of BANDS) {
    bands[band] = { count: a.bands[band].count + b.bands[band].count, sum: a.bands[band].sum + b.bands[band].sum }
  }
  return {
    count: a.count + b.count,
    lateCount: a.lateCount + b.lateCount,
    ndviSum: a.ndviSum + b.ndviSum,
    ndviSquareSum: a.ndviSquareSum + b.ndviSquareSum,
    ndviMin: lower(a.ndviMin, b.ndviMin),
    ndviMax: higher(a.ndviMax, b.ndviMax),
    bands,
  }
}

/** Adds each entry of `more` to `into`, key by key. */
export function addEach<K>(into: Map<K, Totals>, more: Iterable<readonly [K, Totals]>): void {
  for (const [key, totals] of more) {
    const known = into.get(key)
    into.set(key, known ? addTotals(known, totals) : totals)
  }
}

function lower(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}

function higher(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b)
}

/**
 * Number of events after which sums move to bigint. A square is at most 1e12 and a band mean less, so the sums of this
 * many events stay below 2^53.
 */
const EVENTS_PER_FOLD = 8_192

/** Adds up events one by one. It uses plain numbers as long as they are exact. */
export class Accumulator {
  #count = 0
  #lateCount = 0
  #ndviSum = 0
  #squares = 0
  #foldedSquares = 0n
  #ndviMin = Number.POSITIVE_INFINITY
  #ndviMax = Number.NEGATIVE_INFINITY
  readonly #bandCounts = new Float64Array(BANDS.length)
  readonly #bandSums = new Float64Array(BANDS.length)
  readonly #foldedBands = BANDS.map(() => 0n)

  add(event: ImageEvent, late: boolean): void {
    this.#count++
    if (late) this.#lateCount++
    this.#ndviSum += event.ndviMean
    this.#squares += event.ndviMean * event.ndviMean
    if (this.#count % EVENTS_PER_FOLD === 0) this.#fold()
    if (event.ndviMin !== null && event.ndviMin < this.#ndviMin) this.#ndviMin = event.ndviMin
    if (event.ndviMax !== null && event.ndviMax > this.#ndviMax) this.#ndviMax = event.ndviMax
    this.#addBand(0, event.red)
    this.#addBand(1, event.green)
    this.#addBand(2, event.blue)
    this.#addBand(3, event.nir)
    this.#addBand(4, event.brightness)
  }

  #fold(): void {
    this.#foldedSquares += BigInt(this.#squares)
    this.#squares = 0
    for (let index = 0; index < BANDS.length; index++) {
      this.#foldedBands[index] = (this.#foldedBands[index] as bigint) + BigInt(this.#bandSums[index] as number)
      this.#bandSums[index] = 0
    }
  }

  #addBand(index: number, milli: number | null): void {
    if (milli === null) return
    this.#bandCounts[index] = (this.#bandCounts[index] as number) + 1
    this.#bandSums[index] = (this.#bandSums[index] as number) + milli
  }

  totals(): Totals {
    this.#fold()
    const bands = {} as Record<Band, BandTotals>
    BANDS.forEach((band, index) => {
      bands[band] = { count: this.#bandCounts[index] as number, sum: this.#foldedBands[index] as bigint }
    })
    return {
      count: this.#count,
      lateCount: this.#lateCount,
      ndviSum: BigInt(this.#ndviSum),
      ndviSquareSum: this.#foldedSquares,
      ndviMin: Number.isFinite(this.#ndviMin) ? this.#ndviMin : null,
      ndviMax: Number.isFinite(this.#ndviMax) ? this.#ndviMax : null,
      bands,
    }
  }
}

/** Statistics for people, computed from totals: NDVI as NDVI, bands in the image's units. Null means "not measured". */
export interface Statistics {
  count: number
  lateCount: number
  ndviMean: number | null
  /** Sample standard deviation (n - 1); null below two events. */
  ndviStddev: number | null
  ndviMin: number | null
  ndviMax: number | null
  bandMeans: Record<Band, number | null>
}

/** Statistics of totals, as numbers of the images' units. */
export function statisticsOf(totals: Totals): Statistics {
  const bandMeans = {} as Record<Band, number | null>
  for (const band of BANDS) {
    const { count, sum } = totals.bands[band]
    bandMeans[band] = count === 0 ? null : quotient(sum, BigInt(count) * BigInt(MILLI))
  }
  return {
    count: totals.count,
    lateCount: totals.lateCount,
    ndviMean: totals.count === 0 ? null : quotient(totals.ndviSum, BigInt(totals.count) * BigInt(MICRO)),
    ndviStddev: sampleStddev(totals),
    ndviMin: totals.ndviMin === null ? null : totals.ndviMin / MICRO,
    ndviMax: totals.ndviMax === null ? null : totals.ndviMax / MICRO,
    bandMeans,
  }
}

/** Computes sqrt((n·Σx² - (Σx)²) / (n·(n-1))). The difference is computed in integers, so no precision is lost. */
function sampleStddev({ count, ndviSum, ndviSquareSum }: Totals): number | null {
  if (count < 2) return null
  const n = BigInt(count)
  const variance = quotient(n * ndviSquareSum - ndviSum * ndviSum, n * (n - 1n))
  return Math.sqrt(variance) / MICRO
}

/** Divides integers of any size, with a precision of about 15 digits. */
function quotient(a: bigint, b: bigint): number {
  const whole = a / b
  return Number(whole) + Number(a - whole * b) / Number(b)
}
