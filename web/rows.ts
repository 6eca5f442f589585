/** The API's rows as the page understands them, decoded from bytes that are `unknown` until here. */

export type WindowRow = {
  class_name: string
  /** ISO 8601 UTC, as are all times here. */
  window_start: string
  window_end: string
  count: number | null
  ndvi_avg: number | null
  ndvi_stddev: number | null
  ndvi_min: number | null
  ndvi_max: number | null
  late_count: number | null
}

export type AlertRow = {
  class_name: string
  image_id: string
  timestamp: string
  rule: string
  ndvi_mean: number | null
  ndvi_min: number | null
  ndvi_max: number | null
  /** Signed distance in standard deviations. */
  score: number | null
  baseline_version: string | null
}

export type ClassStatsRow = {
  class_name: string
  count: number | null
  ndvi_avg: number | null
  ndvi_stddev: number | null
  ndvi_min: number | null
  ndvi_max: number | null
  red_avg: number | null
  nir_avg: number | null
  brightness_avg: number | null
}

export type LaneRow = {
  lane: string
  last_event_at: string | null
  last_arrival_at: string | null
  lag_ms: number | null
}

export type Health = {
  status: 'ok' | 'degraded'
  checked_at: string | null
  speed: { lanes: LaneRow[]; lag_ms: number | null }
  batch: { cut: string | null; published_at: string | null; revision: number | null; images: number | null }
  quarantine: { count: number | null }
}

type Fields = Record<string, unknown>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const fields = (value: unknown): Fields => (isFields(value) ? value : {})
const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null)
const text = (value: unknown) =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : null
const time = (value: unknown) => (typeof value === 'string' && Number.isFinite(Date.parse(value)) ? value : null)

/** Decodes an array; a row without its identity (class, time) is left out. Throws a TypeError if it is no array. */
function decodeRows<Row>(body: unknown, decode: (row: Fields) => Row | null): Row[] {
  if (!Array.isArray(body)) throw new TypeError('expected an array of objects')
  return body.flatMap(row => (isFields(row) ? (decode(row) ?? []) : []))
}

export const decodeWindows = (body: unknown): WindowRow[] =>
  decodeRows(body, row => {
    const class_name = text(row.class_name)
    const window_start = time(row.window_start)
    const window_end = time(row.window_end)
    if (!class_name || !window_start || !window_end) return null
    return {
      class_name,
      window_start,
      window_end,
      count: number(row.count),
      ndvi_avg: number(row.ndvi_avg),
      ndvi_stddev: number(row.ndvi_stddev),
      ndvi_min: number(row.ndvi_min),
      ndvi_max: number(row.ndvi_max),
      late_count: number(row.late_count),
    }
  })

export const decodeAlerts = (body: unknown): AlertRow[] =>
  decodeRows(body, row => {
    const class_name = text(row.class_name)
    const image_id = text(row.image_id)
    const timestamp = time(row.timestamp)
    if (!class_name || !image_id || !timestamp) return null
    return {
      class_name,
      image_id,
      timestamp,
      rule: text(row.rule) ?? 'unknown',
      ndvi_mean: number(row.ndvi_mean),
      ndvi_min: number(row.ndvi_min),
      ndvi_max: number(row.ndvi_max),
      score: number(row.score),
      baseline_version: text(row.baseline_version),
    }
  })

export const decodeClassStats = (body: unknown): ClassStatsRow[] =>
  decodeRows(body, row => {
    const class_name = text(row.class_name)
    if (!class_name) return null
    return {
      class_name,
      count: number(row.count),
      ndvi_avg: number(row.ndvi_avg),
      ndvi_stddev: number(row.ndvi_stddev),
      ndvi_min: number(row.ndvi_min),
      ndvi_max: number(row.ndvi_max),
      red_avg: number(row.red_avg),
      nir_avg: number(row.nir_avg),
      brightness_avg: number(row.brightness_avg),
    }
  })

/** Throws a TypeError when the body is not a health report at all (for instance a gateway's error page). */
export function decodeHealth(body: unknown): Health {
  if (!isFields(body) || (body.status !== 'ok' && body.status !== 'degraded'))
    throw new TypeError('expected a health report with status ok or degraded')
  const speed = fields(body.speed)
  const batch = fields(body.batch)
  return {
    status: body.status,
    checked_at: time(body.checked_at),
    speed: {
      lanes: decodeRows(Array.isArray(speed.lanes) ? speed.lanes : [], row => {
        const lane = text(row.lane)
        return lane
          ? {
              lane,
              last_event_at: time(row.last_event_at),
              last_arrival_at: time(row.last_arrival_at),
              lag_ms: number(row.lag_ms),
            }
          : null
      }),
      lag_ms: number(speed.lag_ms),
    },
    batch: {
      cut: time(batch.cut),
      published_at: time(batch.published_at),
      revision: number(batch.revision),
      images: number(batch.images),
    },
    quarantine: { count: number(fields(body.quarantine).count) },
  }
}
