import { z } from 'zod'
import { DAY_MS } from '../core/time.ts'

/** What the API says, described once. NDVI is -1 to 1, bands are in the images' own units; null is "not measured". */

const className = z.string().describe('Land-cover class')
const ndvi = z.number().min(-1).max(1)
const timestamp = z.iso.datetime().describe('ISO 8601, UTC')

export const WindowRow = z.object({
  class_name: className,
  window_start: timestamp.describe('Start of the ten-minute window of event time'),
  window_end: timestamp,
  state: z
    .enum(['open', 'closed'])
    .describe('A closed window holds every image that was not late; later ones still count in it'),
  count: z.int().describe('Images in the window'),
  late_count: z.int().describe('Images among them that came more than five minutes after the end of the window'),
  ndvi_avg: ndvi.nullable(),
  ndvi_stddev: z.number().nullable().describe('Sample standard deviation; null below two images'),
  ndvi_min: ndvi.nullable().describe('Lowest pixel'),
  ndvi_max: ndvi.nullable().describe('Highest pixel'),
})
export type WindowRow = z.infer<typeof WindowRow>

export const ClassStatsRow = z.object({
  class_name: className,
  count: z.int().describe('Images'),
  ndvi_avg: ndvi.nullable(),
  ndvi_stddev: z.number().nullable().describe('Sample standard deviation; null below two images'),
  ndvi_min: ndvi.nullable().describe('Lowest pixel'),
  ndvi_max: ndvi.nullable().describe('Highest pixel'),
  red_avg: z.number().nullable(),
  nir_avg: z.number().nullable(),
  brightness_avg: z.number().nullable(),
})
export type ClassStatsRow = z.infer<typeof ClassStatsRow>

export const AnomalyRow = z.object({
  class_name: className,
  image_id: z.string(),
  ndvi_mean: ndvi,
  ndvi_min: ndvi.nullable(),
  ndvi_max: ndvi.nullable(),
  timestamp: timestamp.describe('When the image was taken'),
  rule: z.string().describe('The rule that found it'),
  score: z.number().describe('How far off, in standard deviations; negative is below'),
  baseline_version: z.int().describe('Revision of the batch view that says what is normal'),
})
export type AnomalyRow = z.infer<typeof AnomalyRow>

export const Health = z.object({
  status: z.enum(['ok', 'degraded']),
  reasons: z.array(z.string()).describe('Why the status is degraded, for people; empty when it is ok'),
  checked_at: timestamp,
  watermark: timestamp
    .nullable()
    .describe('Windows that end here or before are closed; null while a lane of the log has not been heard of'),
  speed: z.object({
    lag_ms: z.number().nullable().describe('Age of the oldest record that is not applied yet; 0 when there is none'),
    lanes: z.array(
      z.object({
        lane: z.string(),
        last_event_at: timestamp.nullable(),
        last_arrival_at: timestamp.nullable(),
        lag_ms: z.number(),
        end_to_end_delay_ms: z
          .number()
          .nullable()
          .describe('How long the last heartbeat took from its sending until it was applied; null before the first'),
      }),
    ),
  }),
  batch: z.object({
    cut: timestamp
      .nullable()
      .describe('The batch view counts everything that arrived before; null while it counts imports only'),
    revision: z.int().nullable(),
    published_at: timestamp.nullable(),
    images: z.int().nullable(),
    missed: z.int().describe('Events that came after their arrival slot was counted: a backfill counts them'),
    last_run_at: timestamp.nullable(),
    last_run_error: z.string().nullable(),
    lanes_behind: z.array(z.string()).describe('Lanes of the log that hold up the cut'),
  }),
  quarantine: z.object({ count: z.int().describe('Records, and lines of records, that were refused so far') }),
})
export type Health = z.infer<typeof Health>

const quantiles = {
  ndvi_p05: ndvi.nullable().describe('Quantile of the images’ mean NDVI, to 0.001'),
  ndvi_p25: ndvi.nullable(),
  ndvi_p50: ndvi.nullable(),
  ndvi_p75: ndvi.nullable(),
  ndvi_p95: ndvi.nullable(),
}
const correlation = z.number().min(-1).max(1).nullable()

export const BatchStatisticsRow = z.object({
  class_name: className,
  count: z.int().describe('Images'),
  ...quantiles,
  ndvi_trend_per_year: z.number().nullable().describe('Slope of NDVI over the days of the images, least squares'),
  ndvi_trend_correlation: correlation.describe('Pearson’s correlation of NDVI with the day'),
  ndvi_red_correlation: correlation.describe('Pearson’s correlation of NDVI with the band’s mean, over images'),
  ndvi_green_correlation: correlation,
  ndvi_blue_correlation: correlation,
  ndvi_nir_correlation: correlation,
  ndvi_brightness_correlation: correlation,
})
export type BatchStatisticsRow = z.infer<typeof BatchStatisticsRow>

const distance = z.number().min(0).max(2).nullable()

export const SeparabilityRow = z.object({
  class_a: className,
  class_b: className,
  ndvi: distance.describe('Jeffries-Matusita distance by NDVI: 0 not at all, 2 fully apart'),
  red: distance,
  green: distance,
  blue: distance,
  nir: distance,
  brightness: distance,
})
export type SeparabilityRow = z.infer<typeof SeparabilityRow>

export const BatchDayRow = z.object({
  class_name: className,
  day: z.iso.date().describe('UTC day on which the images were taken'),
  count: z.int().describe('Images'),
  ndvi_avg: ndvi.nullable(),
  ndvi_stddev: z.number().nullable().describe('Sample standard deviation; null below two images'),
  ndvi_min: ndvi.nullable().describe('Lowest pixel'),
  ndvi_max: ndvi.nullable().describe('Highest pixel'),
  ...quantiles,
})
export type BatchDayRow = z.infer<typeof BatchDayRow>

const MAX_DAYS = 366

export const BatchDaysQuery = z
  .object({ class: z.string().optional(), from: z.iso.date(), to: z.iso.date() })
  .refine(({ from, to }) => from <= to && Date.parse(to) - Date.parse(from) < MAX_DAYS * DAY_MS, {
    path: ['to'],
    message: `must be on or after from, and at most ${MAX_DAYS} days in all`,
  })

export const AnomaliesQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
