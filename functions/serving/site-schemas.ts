import * as z from 'zod'
import { NUMBERS, type NumberName, TEXTS } from '../core/event-fields.ts'
import { instant, NAME_LIMIT, parameter, text, wholeNumber } from './schemas.ts'

/** Schemas of the answers and parameters of /api/sites. The answers are GeoJSON (RFC 7946). */

const SiteProperties = z.object({
  site_id: z.string().describe('Id of the site'),
  class_name: z.string().describe('Land-cover class'),
})

const Geometry = z
  .object({ type: z.enum(['Polygon', 'MultiPolygon']), coordinates: z.array(z.unknown()) })
  .describe('Outline in longitude and latitude')

/** Stored site, as a GeoJSON feature. */
export const SiteFeature = z
  .object({ type: z.literal('Feature'), id: z.string(), properties: SiteProperties, geometry: Geometry })
  .meta({ title: 'SiteFeature' })
export type SiteFeature = z.infer<typeof SiteFeature>

/** Page of stored sites, as a GeoJSON feature collection. */
export const SiteCollection = z
  .object({
    type: z.literal('FeatureCollection'),
    version: z.int().nullable().describe('Version of the stored sites; null before the first import'),
    features: z.array(SiteFeature).describe('Sites in order of their ids'),
  })
  .meta({ title: 'SiteCollection' })
export type SiteCollection = z.infer<typeof SiteCollection>

const FRACTION = String.raw`(\.\d{1,15})?`
const LONGITUDE = String.raw`-?(180(\.0{1,15})?|(1[0-7]\d|\d{1,2})${FRACTION})`
const LATITUDE = String.raw`-?(90(\.0{1,15})?|[0-8]?\d${FRACTION})`
const BOX = `^${LONGITUDE},${LATITUDE},${LONGITUDE},${LATITUDE}$`

/** Maximum number of sites in a page. */
export const MOST_SITES = 1_000

/** Parameters of /api/sites. */
export const SitesQuery = z.strictObject({
  bbox: parameter(
    z
      .string()
      .regex(
        new RegExp(BOX),
        'must be west,south,east,north in degrees, with longitudes within -180 to 180 and latitudes within -90 to 90, such as 13.0,52.3,13.8,52.7',
      )
      .transform(box => box.split(',').map(Number) as [number, number, number, number])
      .refine(([, south, , north]) => south <= north, 'must have south before north')
      .optional(),
    {
      ...{ type: 'string', pattern: BOX, examples: ['13.0,52.3,13.8,52.7'] },
      description:
        'Only sites whose own bounding box touches this one: west,south,east,north in degrees. West above east crosses the antimeridian',
    },
  ),
  class: text(NAME_LIMIT, 'Only sites of this class'),
  limit: wholeNumber(1, MOST_SITES, 100, 'Maximum number of sites'),
  after: text(NAME_LIMIT, 'Id of the last site of the page before: take it from the Link header'),
})
export type SitesQuery = z.infer<typeof SitesQuery>

const siteId = parameter(
  z
    .string()
    .min(1)
    .max(NAME_LIMIT * 9),
  {
    ...{ type: 'string', minLength: 1, examples: ['field-01'] },
    description: 'Id of the site',
  },
)

/** Parameters of /api/sites/{id}. */
export const SiteQuery = z.strictObject({ id: siteId })
export type SiteQuery = z.infer<typeof SiteQuery>

const { ndvi_mean, ...others } = NUMBERS
const measured = Object.entries(others).map(
  ([name, { description }]) => [name, z.number().nullable().describe(description)] as const,
)

/** Observation of a site: an image, with all that was measured. */
export const ObservationRow = z
  .object({
    timestamp: z.iso.datetime().describe('When the image was taken'),
    site_id: z
      .string()
      .describe('Id of the site; of images without one the cell of 0.001 degrees: `lon:lat` in thousandths'),
    class_name: z.string().describe('Land-cover class'),
    image_id: z.string().describe(TEXTS.image_id),
    scene_id: z.string().nullable().describe(TEXTS.scene_id),
    processing_version: z.string().nullable().describe(TEXTS.processing_version),
    ndvi_mean: z.number().min(-1).max(1).describe(ndvi_mean.description),
    ...(Object.fromEntries(measured) as Record<Exclude<NumberName, 'ndvi_mean'>, z.ZodNullable<z.ZodNumber>>),
    is_clear: z
      .boolean()
      .nullable()
      .describe('Whether it shows land, not clouds, snow or too little; null while that is not known'),
    ndvi_normal: z
      .number()
      .nullable()
      .describe(
        'NDVI that is normal at the site on that day of the year, by all that is known now; null while it learns, and before a lasting change that became normal',
      ),
    ndvi_normal_stddev: z
      .number()
      .nullable()
      .describe('Standard deviation of clear images from normal; 2 of them and more are unusual'),
  })
  .meta({ title: 'ObservationRow' })
export type ObservationRow = z.infer<typeof ObservationRow>

/** Parameters of the observations of a site. */
export const ObservationsQuery = z.strictObject({
  id: siteId,
  class: text(NAME_LIMIT, 'Only images of this class'),
  from: instant('Only images taken at this time or later'),
  to: instant('Only images taken before this time'),
})
export type ObservationsQuery = z.infer<typeof ObservationsQuery>

/** Normal NDVI of a site in a part of the year. */
export const SiteNormalRow = z
  .object({
    class_name: z.string().describe('Land-cover class'),
    day_of_year: z.int().describe('First day of five of the year: 1, 6, 11 …'),
    ndvi_normal: z.number().describe('NDVI that is normal at the site on these days'),
    ndvi_normal_stddev: z
      .number()
      .nullable()
      .describe('Standard deviation of clear images from normal; null while its class has too few'),
    is_learning: z.boolean().describe('True while the site has too few images, or too short a history, to be judged'),
    looks: z.int().describe('Clear images that it is made from'),
    since: z.iso
      .datetime()
      .describe('When the first of them was taken: after a lasting change that became normal, its start'),
  })
  .meta({ title: 'SiteNormalRow' })
export type SiteNormalRow = z.infer<typeof SiteNormalRow>

/** Parameters of what is normal at a site. */
export const SiteNormalQuery = z.strictObject({ id: siteId, class: text(NAME_LIMIT, 'Only the normal of this class') })
export type SiteNormalQuery = z.infer<typeof SiteNormalQuery>

const SITE_STATES = ['open', 'learning', 'normal', 'no-images'] as const

/** Site with its place and state, for a map. */
export const SiteStateRow = z
  .object({
    site_id: z.string().describe('Id of the site'),
    class_name: z.string().describe('Land-cover class: of its newest image, or of the stored site'),
    lon: z.number().nullable().describe('Place of its last image that says one, or the middle of its outline, degrees'),
    lat: z.number().nullable(),
    state: z
      .enum(SITE_STATES)
      .describe('It has an open incident, is still learned, is normal, or has no images in the batch view'),
    last_at: z.iso.datetime().nullable().describe('When its last clear image was taken'),
    ndvi_mean: z.number().nullable().describe('NDVI of that image'),
    ndvi_distance: z.number().nullable().describe('Distance of that image from normal; null while the site learns'),
  })
  .meta({ title: 'SiteStateRow' })
export type SiteStateRow = z.infer<typeof SiteStateRow>

/** Maximum number of sites with their states in a page: about 4 MB. */
export const MOST_SITE_STATES = 20_000

/** Parameters of the states of all sites. */
export const SiteStatesQuery = z.strictObject({
  class: text(NAME_LIMIT, 'Only sites of this class'),
  state: parameter(z.enum(SITE_STATES, `must be one of ${SITE_STATES.join(', ')}`).optional(), {
    ...{ type: 'string', enum: SITE_STATES },
    description: 'Only sites in this state',
  }),
  limit: wholeNumber(1, MOST_SITE_STATES, 1_000, 'Maximum number of sites'),
  after: text(NAME_LIMIT, 'Id of the last site of the page before: take it from the Link header'),
})
export type SiteStatesQuery = z.infer<typeof SiteStatesQuery>
