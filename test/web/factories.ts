import type { IncidentRow } from '../../functions/serving/incident-schemas.ts'
import type {
  AnomalyRow,
  BatchStatisticsRow,
  ClassStatsRow,
  Health,
  QuarantineRow,
  WindowRow,
} from '../../functions/serving/schemas.ts'
import { readHealth, readIncident, readRefused, readUnusualImage, readWindow } from '../../web/answers.ts'
import { choiceOf } from '../../web/view-models/choice.ts'
import { queriesOf } from '../../web/view-models/questions.ts'

export const MINUTE_MS = 60_000

export const at = (time: string) => Date.parse(`2026-11-22T${time}Z`)

export function windowRow(class_name: string, start: string, change: Partial<WindowRow> = {}): WindowRow {
  return {
    class_name,
    window_start: new Date(at(start)).toISOString(),
    window_end: new Date(at(start) + 10 * MINUTE_MS).toISOString(),
    state: 'closed',
    count: 100,
    ndvi_avg: 0.5,
    ndvi_stddev: 0.1,
    ndvi_min: 0.2,
    ndvi_max: 0.8,
    late_count: 0,
    ...change,
  }
}

export function statsRow(class_name: string, change: Partial<ClassStatsRow> = {}): ClassStatsRow {
  return {
    class_name,
    count: 1000,
    ndvi_avg: 0.5,
    ndvi_stddev: 0.1,
    ndvi_min: 0,
    ndvi_max: 0.9,
    red_avg: 700.4,
    nir_avg: 2900,
    brightness_avg: 0.25,
    ...change,
  }
}

export function unusualImageRow(change: Partial<AnomalyRow> = {}): AnomalyRow {
  return {
    class_name: 'Forest',
    image_id: 'Forest_7',
    timestamp: '2026-11-22T14:12:03.000Z',
    rule: 'class-zscore',
    ndvi_mean: 0.21,
    ndvi_min: 0.1,
    ndvi_max: 0.3,
    score: -4.23,
    baseline_version: 3,
    ...change,
  }
}

export function health(change: Partial<Health> = {}): Health {
  return {
    status: 'ok',
    reasons: [],
    checked_at: '2026-11-22T14:15:00.000Z',
    watermark: '2026-11-22T14:09:55.000Z',
    allowed_lateness_ms: 300_000,
    latest_image_at: null,
    speed: {
      lanes: [
        {
          lane: 'tiles/0',
          last_event_at: '2026-11-22T14:14:50.000Z',
          last_arrival_at: '2026-11-22T14:14:55.000Z',
          lag_ms: 320,
          end_to_end_delay_ms: 35,
          lost_records: 0,
        },
        {
          lane: 'tiles/1',
          last_event_at: null,
          last_arrival_at: null,
          lag_ms: 0,
          end_to_end_delay_ms: null,
          lost_records: 0,
        },
      ],
      lag_ms: 410,
    },
    batch: {
      cut: '2026-11-22T13:00:00.000Z',
      published_at: '2026-11-22T14:03:00.000Z',
      revision: 3,
      images: 271_650,
      missed: 0,
      last_run_at: '2026-11-22T14:03:00.000Z',
      last_run_error: null,
      lanes_behind: [],
    },
    decisions: null,
    quarantine: { count: 0 },
    ...change,
  }
}

export function statisticsRow(class_name: string, change: Partial<BatchStatisticsRow> = {}): BatchStatisticsRow {
  return {
    class_name,
    count: 1000,
    ndvi_p05: 0.3,
    ndvi_p25: 0.45,
    ndvi_p50: 0.5,
    ndvi_p75: 0.55,
    ndvi_p95: 0.7,
    ndvi_trend_per_year: null,
    ndvi_trend_correlation: null,
    ndvi_red_correlation: null,
    ndvi_green_correlation: null,
    ndvi_blue_correlation: null,
    ndvi_nir_correlation: null,
    ndvi_brightness_correlation: null,
    ...change,
  }
}

export function quarantineRow(change: Partial<QuarantineRow> = {}): QuarantineRow {
  return {
    arrived_at: '2026-11-22T14:12:03.000Z',
    reason: 'unknown-class',
    detail: 'class_name is not a known class',
    lane: 'tiles/0',
    position: '17',
    line: 2,
    bytes: 19,
    beginning: '{"class_name":"Ufo"}',
    ...change,
  }
}

export function incidentRow(change: Partial<IncidentRow> = {}): IncidentRow {
  return {
    id: '0123456789abcdef',
    kind: 'site-change',
    cause: null,
    class_name: 'Forest',
    site_id: 'stand-03',
    state: 'confirmed',
    severity: 'error',
    first_at: '2026-10-03T10:20:00.000Z',
    opened_at: '2026-11-04T10:20:00.000Z',
    closed_at: null,
    ndvi_change: -0.291,
    score: -9.14,
    sites: 1,
    part_of: null,
    lon: 25.1,
    lat: 62.2,
    from_import: false,
    acknowledged_by: null,
    assigned_to: null,
    notes: 0,
    muted_until: null,
    ...change,
  }
}

/** The rows above, as the page holds them (times as epoch ms). */
export const windowStats = (...row: Parameters<typeof windowRow>) => readWindow(windowRow(...row))
export const unusualImage = (change?: Partial<AnomalyRow>) => readUnusualImage(unusualImageRow(change))
export const refusedRecord = (change?: Partial<QuarantineRow>) => readRefused(quarantineRow(change))
export const incident = (change?: Partial<IncidentRow>) => readIncident(incidentRow(change))
export const systemHealth = (change?: Partial<Health>) => readHealth(health(change))

/** The choice in an address. */
export const chosen = (search = '') => choiceOf(new URLSearchParams(search))

export const queries = (search = '', nowMs = at('14:15:00'), report: Health = health({ quarantine: { count: 1 } })) =>
  queriesOf(chosen(search), 50, readHealth(report), nowMs)
