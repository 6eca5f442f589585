import * as z from 'zod'
import { REJECTION_REASONS } from '../core/record.ts'
import { DAY_MS, HOUR_MS } from '../core/time.ts'
import { WINDOW_MS } from '../core/window.ts'

/**
 * Schemas of all answers of the API, declared once. NDVI is -1 to 1, bands have the units of the images; null is "not
 * measured".
 */

const className = z.string().describe('Land-cover class')
const ndvi = z.number().min(-1).max(1)
const timestamp = z.iso.datetime().describe('ISO 8601, UTC')

/** Statistics of one class in one window. */
export const WindowRow = z
  .object({
    class_name: className,
    window_start: timestamp.describe(
      'Start of the window of event time: ten minutes, or the requested hour or day; always a day for times a week ago or more',
    ),
    window_end: timestamp,
    state: z
      .enum(['open', 'closed'])
      .describe('A closed window contains every image that was not late; late images still count in it'),
    count: z.int().describe('Images in the window'),
    late_count: z
      .int()
      .nullable()
      .describe(
        'Images in the window that arrived later than the allowed lateness after its end (five minutes, unless set); null for a whole day',
      ),
    ndvi_avg: ndvi.nullable(),
    ndvi_stddev: z.number().nullable().describe('Sample standard deviation; null below two images'),
    ndvi_min: ndvi.nullable().describe('Lowest pixel'),
    ndvi_max: ndvi.nullable().describe('Highest pixel'),
  })
  .meta({ title: 'WindowRow' })
export type WindowRow = z.infer<typeof WindowRow>

/** Statistics of one class over all time. */
export const ClassStatsRow = z
  .object({
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
  .meta({ title: 'ClassStatsRow' })
export type ClassStatsRow = z.infer<typeof ClassStatsRow>

/** Class that is known, or of which there are images. */
export const ClassRow = z
  .object({
    class_name: className,
    known_since: timestamp
      .nullable()
      .describe('Arrival time from which its events are counted; 1970 means always, null means no longer'),
    count: z.int().describe('Images over all time, from the batch view and newer arrivals'),
  })
  .meta({ title: 'ClassRow' })
export type ClassRow = z.infer<typeof ClassRow>

/** Unusual image. */
export const AnomalyRow = z
  .object({
    class_name: className,
    image_id: z.string(),
    ndvi_mean: ndvi,
    ndvi_min: ndvi.nullable(),
    ndvi_max: ndvi.nullable(),
    timestamp: timestamp.describe('When the image was taken'),
    rule: z.string().describe('Rule that found it'),
    score: z.number().describe('Distance from normal, in standard deviations; negative is below'),
    baseline_version: z.int().describe('Revision of the batch view that defines what is normal'),
  })
  .meta({ title: 'AnomalyRow' })
export type AnomalyRow = z.infer<typeof AnomalyRow>

/** Record or line of a record that was refused. */
export const QuarantineRow = z
  .object({
    arrived_at: timestamp.describe('When the record arrived'),
    reason: z.enum(REJECTION_REASONS),
    detail: z.string().describe('What is wrong, for people'),
    lane: z.string().describe('Lane of the log that has the record'),
    position: z.string().describe('Sequence number or offset of the record in its lane'),
    line: z.int().nullable().describe('Line of the record, from 0; null is the whole record'),
    bytes: z.int().describe('Length of what was refused, bytes'),
    beginning: z
      .string()
      .describe('Its first bytes as text: a backslash is `\\\\`, and a byte that is not safe UTF-8 is `\\x1b`'),
  })
  .meta({ title: 'QuarantineRow' })
export type QuarantineRow = z.infer<typeof QuarantineRow>

/** State of the system. */
export const Health = z
  .object({
    status: z.enum(['ok', 'degraded']),
    reasons: z.array(z.string()).describe('Why the status is degraded, for people; empty when it is ok'),
    checked_at: timestamp,
    watermark: timestamp
      .nullable()
      .describe('Windows that end at this time or before are closed; null while nothing is known of a lane of the log'),
    allowed_lateness_ms: z
      .int()
      .describe('Time for which a window stays open after its end; an image that arrives later is late'),
    latest_image_at: timestamp
      .nullable()
      .describe(
        'When the newest image was taken, where images come long after that (an allowed lateness of an hour or more): the newest windows are those of the day before it. Null for other sources: their newest windows are those before now',
      ),
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
            .describe('Time from the sending of the last heartbeat until it was applied; null before the first'),
          lost_records: z
            .int()
            .describe(
              'Upper limit of the records that the log removed before they were read; 0 when the log cannot tell',
            ),
        }),
      ),
    }),
    batch: z.object({
      cut: timestamp
        .nullable()
        .describe('The batch view counts everything that arrived before this time; null while it counts imports only'),
      revision: z.int().nullable(),
      published_at: timestamp.nullable(),
      images: z.int().nullable(),
      missed: z.int().describe('Events that arrived in a slot after it was counted: a backfill counts them'),
      last_run_at: timestamp.nullable(),
      last_run_error: z.string().nullable(),
      lanes_behind: z.array(z.string()).describe('Lanes of the log for which the cut waits'),
    }),
    quarantine: z.object({ count: z.int().describe('Records and lines of records that were quarantined so far') }),
    decisions: z
      .object({ count: z.int().describe('Decisions of people about incidents so far') })
      .nullable()
      .describe('Null where the page cannot send decisions'),
  })
  .meta({ title: 'Health' })
export type Health = z.infer<typeof Health>

const quantiles = {
  ndvi_p05: ndvi.nullable().describe('Quantile of the images’ mean NDVI, to 0.001'),
  ndvi_p25: ndvi.nullable(),
  ndvi_p50: ndvi.nullable(),
  ndvi_p75: ndvi.nullable(),
  ndvi_p95: ndvi.nullable(),
}
const correlation = z.number().min(-1).max(1).nullable()

/** Quantiles, trend and correlations of one class. */
export const BatchStatisticsRow = z
  .object({
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
  .meta({ title: 'BatchStatisticsRow' })
export type BatchStatisticsRow = z.infer<typeof BatchStatisticsRow>

const distance = z.number().min(0).max(2).nullable()

/** Pair of classes, with how well they can be separated. */
export const SeparabilityRow = z
  .object({
    class_a: className,
    class_b: className,
    ndvi: distance.describe('Jeffries-Matusita distance by NDVI: 0 not separable, 2 fully separable'),
    red: distance,
    green: distance,
    blue: distance,
    nir: distance,
    brightness: distance,
  })
  .meta({ title: 'SeparabilityRow' })
export type SeparabilityRow = z.infer<typeof SeparabilityRow>

/** Statistics of one class on one day. */
export const BatchDayRow = z
  .object({
    class_name: className,
    day: z.iso.date().describe('UTC day on which the images were taken'),
    count: z.int().describe('Images'),
    ndvi_avg: ndvi.nullable(),
    ndvi_stddev: z.number().nullable().describe('Sample standard deviation; null below two images'),
    ndvi_min: ndvi.nullable().describe('Lowest pixel'),
    ndvi_max: ndvi.nullable().describe('Highest pixel'),
    ...quantiles,
  })
  .meta({ title: 'BatchDayRow' })
export type BatchDayRow = z.infer<typeof BatchDayRow>

/** Makes a query parameter, which is text. `described` is its form in the OpenAPI document. */
export function parameter<Schema extends z.ZodType>(schema: Schema, described: Record<string, unknown>): Schema {
  return schema.meta({ described })
}

/** Lists the parameters of a query for documentation. */
export function describedParameters(
  query: z.ZodObject,
): { name: string; isRequired: boolean; description: string; schema: Record<string, unknown> }[] {
  return Object.entries(query.shape as Record<string, z.ZodType>).map(([name, schema]) => {
    const { description = '', ...described } = (schema.meta()?.described ?? {}) as Record<string, unknown>
    const isRequired = !schema.safeParse(undefined).success
    return { name, isRequired, description: String(description), schema: described }
  })
}

/** Makes a parameter that is a whole number. */
export const wholeNumber = (least: number, most: number, otherwise: number, description: string) =>
  parameter(
    z
      .string()
      .regex(/^\d{1,9}$/, `must be a whole number from ${least} to ${most}`)
      .transform(Number)
      .pipe(z.number().min(least).max(most))
      .default(otherwise),
    { type: 'integer', minimum: least, maximum: most, default: otherwise, description },
  )

/** Maximum length of class and image names, as in events. */
export const NAME_LIMIT = 256
/** Maximum length of a place in a list: time, image and class as text in an address. */
const PLACE_LIMIT = 3_000

/** Makes an optional parameter that is a text. */
export const text = (limit: number, description: string) =>
  parameter(z.string().min(1).max(limit).optional(), { type: 'string', minLength: 1, maxLength: limit, description })

const INSTANT = 'must be a time like 2026-11-22T14:00:00Z, a day like 2026-11-22, or milliseconds since 1970'

/** Makes an optional parameter that is a time, in ms. */
export const instant = (description: string) =>
  parameter(
    z
      .union(
        [
          z
            .string()
            .toUpperCase()
            .pipe(z.iso.datetime({ offset: true }))
            .transform(text => Math.max(Date.parse(text), 0)),
          z.iso.date().transform(text => Math.max(Date.parse(text), 0)),
          z
            .string()
            .regex(/^\d{12,13}$/)
            .transform(Number),
        ],
        INSTANT,
      )
      .optional(),
    {
      anyOf: [
        { type: 'string', format: 'date-time' },
        { type: 'string', format: 'date' },
        { type: 'string', pattern: '^[0-9]{12,13}$' },
      ],
      examples: ['2026-11-22', '2026-11-22T14:00:00Z', '1795356000000'],
      description: `${description}. A time, a day (its midnight, UTC), or milliseconds since 1970`,
    },
  )

const day = (description: string) =>
  parameter(z.iso.date('must be a day like 2026-11-22'), { type: 'string', format: 'date', description })

/** Maximum number of days of a series. */
export const LONGEST_DAYS = 366

export const NoQuery = z.strictObject({})

/** Parameters of /api/batch/separability. */
export const SeparabilityQuery = z.strictObject({
  class: text(NAME_LIMIT, 'Only pairs with this class; needed where there are more than 100 classes'),
})
export type SeparabilityQuery = z.infer<typeof SeparabilityQuery>

/** Parameters of /api/batch/days. */
export const BatchDaysQuery = z
  .strictObject({
    class: text(NAME_LIMIT, 'Only this class'),
    from: day('First day, UTC'),
    to: day(`Last day, UTC. Of a longer range the last ${LONGEST_DAYS} days are answered: see Landcover-Range`),
  })
  .refine(({ from, to }) => from <= to, { path: ['to'], message: 'must be on or after from' })
export type BatchDaysQuery = z.infer<typeof BatchDaysQuery>

/** Steps of a series, ms. */
export const STEPS_MS = { '10m': WINDOW_MS, '1h': HOUR_MS, '1d': DAY_MS } as const
/** Name of a step of a series: 10m, 1h or 1d. */
export type Step = keyof typeof STEPS_MS
const STEPS = Object.keys(STEPS_MS) as Step[]

/** Parameters of /api/windows. */
export const WindowsQuery = z.strictObject({
  class: text(NAME_LIMIT, 'Only this class'),
  from: instant('Start of the range; six hours before its end by default'),
  to: instant(
    `End of the range, not included; now by default. Of a longer range the last ${LONGEST_DAYS} days are answered: see Landcover-Range`,
  ),
  every: parameter(z.enum(STEPS, `must be one of ${STEPS.join(', ')}`).default('10m'), {
    ...{ type: 'string', enum: STEPS, default: '10m' },
    description: 'Length of each window; for times a week ago or more it is always a day',
  }),
})
export type WindowsQuery = z.infer<typeof WindowsQuery>

/** Number of days that are searched for unusual images, by default and at most. */
export const SEARCHED_DAYS = 14
export const MOST_SEARCHED_DAYS = 31

const HIGHEST_SCORE = 1_000_000

/** Parameters of /api/anomalies. */
export const AnomaliesQuery = z.strictObject({
  limit: wholeNumber(1, 1000, 100, 'Maximum number of unusual images'),
  class: text(NAME_LIMIT, 'Only this class'),
  rule: text(NAME_LIMIT, 'Only images that this rule found'),
  min_score: parameter(
    z
      .string()
      .regex(/^\d{1,7}(\.\d{1,20})?(e[+-]?\d{1,3})?$/i, 'must be a number such as 2.5')
      .transform(Number)
      .pipe(z.number().max(HIGHEST_SCORE))
      .optional(),
    {
      ...{ type: 'number', minimum: 0, maximum: HIGHEST_SCORE },
      description: 'Only images with at least this distance from normal, in standard deviations',
    },
  ),
  from: instant(
    `Only images taken at this time or later; ${SEARCHED_DAYS} days before the end by default. Of a longer range the last ${MOST_SEARCHED_DAYS} days are searched: see Landcover-Range`,
  ),
  to: instant('Only images taken before this time; by default all, within the days that may be searched'),
  after: text(PLACE_LIMIT, 'End of the last page: take it from the Link header'),
})
export type AnomaliesQuery = z.infer<typeof AnomaliesQuery>

/** Number of lanes of which the quarantine is answered in pages: the address of a page names a place in each of them. */
export const MOST_PAGED_LANES = 15

/** Parameters of /api/quarantine. */
export const QuarantineQuery = z.strictObject({
  limit: wholeNumber(1, 100, 50, 'Maximum number of entries'),
  lane: text(
    NAME_LIMIT,
    `Only this lane of the log; where there are more than ${MOST_PAGED_LANES}, only an answer for one lane has further pages`,
  ),
  after: text(PLACE_LIMIT, 'End of the last page: take it from the Link header'),
})
export type QuarantineQuery = z.infer<typeof QuarantineQuery>
