import { z } from 'zod'
import { DAY_MS, HOUR_MS } from '../core/time.ts'
import { WINDOW_MS } from '../core/window.ts'

/** What the API says, described once. NDVI is -1 to 1, bands are in the images' own units; null is "not measured". */

const className = z.string().describe('Land-cover class')
const ndvi = z.number().min(-1).max(1)
const timestamp = z.iso.datetime().describe('ISO 8601, UTC')

export const WindowRow = z.object({
  class_name: className,
  window_start: timestamp.describe(
    'Start of the window of event time: ten minutes, or the hour or day that was asked for; a day where it lies far back',
  ),
  window_end: timestamp,
  state: z
    .enum(['open', 'closed'])
    .describe('A closed window holds every image that was not late; later ones still count in it'),
  count: z.int().describe('Images in the window'),
  late_count: z
    .int()
    .nullable()
    .describe('Images among them that came more than five minutes after the end of the window; null for a whole day'),
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
        lost_records: z
          .int()
          .describe('Records that the log removed before they were read, at most; 0 where the log cannot tell'),
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

/** What describes a parameter to people where the form that is accepted is narrower than JSON Schema says by itself. */
interface Described extends Record<string, unknown> {
  type: string
}

/** A parameter of the query, which is text; `described` is its form for the OpenAPI document. */
function parameter<Schema extends z.ZodType>(schema: Schema, described: Described): Schema {
  return schema.meta({ described })
}

/** The parameters of a query as they are told to others. */
export function describedParameters(
  query: z.ZodObject,
): { name: string; isRequired: boolean; description: string; schema: Record<string, unknown> }[] {
  return Object.entries(query.shape as Record<string, z.ZodType>).map(([name, schema]) => {
    const { description = '', ...described } = (schema.meta()?.described ?? {}) as Record<string, unknown>
    const isRequired = !schema.safeParse(undefined).success
    return { name, isRequired, description: String(description), schema: described }
  })
}

const wholeNumber = (least: number, most: number, otherwise: number, description: string) =>
  parameter(
    z
      .string()
      .regex(/^\d{1,9}$/, `must be a whole number from ${least} to ${most}`)
      .transform(Number)
      .pipe(z.number().min(least).max(most))
      .default(otherwise),
    { type: 'integer', minimum: least, maximum: most, default: otherwise, description },
  )

/** Of classes and images, as events may have them. */
const NAME_LIMIT = 256
/** A place in a list: a time, an image and a class, as text of an address. */
const PLACE_LIMIT = 3_000

const text = (limit: number, description: string) =>
  parameter(z.string().min(1).max(limit).optional(), { type: 'string', minLength: 1, maxLength: limit, description })

const instant = (description: string) =>
  parameter(
    z
      .string()
      .toUpperCase()
      .pipe(z.iso.datetime({ offset: true, error: 'must be a time like 2026-11-22T14:00:00Z' }))
      .transform(text => Math.max(Date.parse(text), 0))
      .optional(),
    { type: 'string', format: 'date-time', description },
  )

const day = (description: string) =>
  parameter(z.iso.date('must be a day like 2026-11-22'), { type: 'string', format: 'date', description })

/** How many days a series may have. */
export const LONGEST_DAYS = 366

export const NoQuery = z.strictObject({})

export const BatchDaysQuery = z
  .strictObject({
    class: text(NAME_LIMIT, 'Only this class'),
    from: day('First day, UTC'),
    to: day(`Last day, UTC: at most ${LONGEST_DAYS} days in all`),
  })
  .refine(({ from, to }) => from <= to && Date.parse(to) - Date.parse(from) < LONGEST_DAYS * DAY_MS, {
    path: ['to'],
    message: `must be on or after from, and at most ${LONGEST_DAYS} days in all`,
  })
export type BatchDaysQuery = z.infer<typeof BatchDaysQuery>

/** How long each part of a series may be, ms. */
export const STEPS_MS = { '10m': WINDOW_MS, '1h': HOUR_MS, '1d': DAY_MS } as const
export type Step = keyof typeof STEPS_MS
const STEPS = Object.keys(STEPS_MS) as Step[]

export const WindowsQuery = z.strictObject({
  class: text(NAME_LIMIT, 'Only this class'),
  from: instant('Start of the range; six hours before its end by default'),
  to: instant(`End of the range, not included; now by default, and at most ${LONGEST_DAYS} days behind its start`),
  every: parameter(z.enum(STEPS, `must be one of ${STEPS.join(', ')}`).default('10m'), {
    ...{ type: 'string', enum: STEPS, default: '10m' },
    description: 'How long each window is; a week back or more each is a day anyway',
  }),
})
export type WindowsQuery = z.infer<typeof WindowsQuery>

/** How many days are searched for anomalies, and how many may be. */
export const SEARCHED_DAYS = 14
export const MOST_SEARCHED_DAYS = 31

const HIGHEST_SCORE = 1_000_000

export const AnomaliesQuery = z.strictObject({
  limit: wholeNumber(1, 1000, 100, 'At most so many'),
  class: text(NAME_LIMIT, 'Only of this class'),
  rule: text(NAME_LIMIT, 'Only those that this rule found'),
  min_score: parameter(
    z
      .string()
      .regex(/^\d{1,7}(\.\d{1,20})?(e[+-]?\d{1,3})?$/i, 'must be a number such as 2.5')
      .transform(Number)
      .pipe(z.number().max(HIGHEST_SCORE))
      .optional(),
    {
      ...{ type: 'number', minimum: 0, maximum: HIGHEST_SCORE },
      description: 'Only those that are so far off, in standard deviations, or further',
    },
  ),
  from: instant(
    `Only images of this time or later: ${SEARCHED_DAYS} days before the end by default, at most ${MOST_SEARCHED_DAYS}`,
  ),
  to: instant('Only images of before this time; of all by default, within the days that may be searched'),
  after: text(PLACE_LIMIT, 'Where the last page ended: take it from the Link header'),
})
export type AnomaliesQuery = z.infer<typeof AnomaliesQuery>
