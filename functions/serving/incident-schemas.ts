import * as z from 'zod'
import { NAME_LIMIT, parameter, text, wholeNumber } from './schemas.ts'

const time = z.iso.datetime()

/** Incident: a change at a site, or at many sites of a class. */
export const IncidentRow = z
  .object({
    id: z.string().describe('Id of the incident: the same in every answer that has it'),
    kind: z
      .enum(['site-change', 'many-sites', 'no-clear-look'])
      .describe('Change at one site, or of many sites of a class at a time; or a class had hardly any clear image'),
    cause: z
      .enum(['land', 'producer'])
      .nullable()
      .describe('Cause of a change at many sites: the land, or how images were made; null where it is not known'),
    class_name: z.string().describe('Land-cover class'),
    site_id: z.string().nullable().describe('Id of the site; null for an incident of a class'),
    state: z
      .enum(['confirmed', 'recovered', 'accepted'])
      .describe('Confirmed while it is open; then recovered, or accepted as the new normal after a year'),
    severity: z
      .enum(['info', 'warning', 'error'])
      .describe('From the change of NDVI: error from 0.20, warning from 0.10'),
    first_at: time.describe('When the first unusual image was taken'),
    opened_at: time.describe('When the image was taken that made it an incident'),
    closed_at: time.nullable().describe('When it ended; null while it is open'),
    ndvi_change: z
      .number()
      .nullable()
      .describe('Median distance of its unusual images from normal; negative is a drop'),
    score: z.number().nullable().describe('Distance of its furthest image from normal, in standard deviations'),
    sites: z.int().describe('Number of sites'),
    part_of: z.string().nullable().describe('Id of the incident of the class that this change of a site is a part of'),
    lon: z.number().nullable().describe('Place of the last image that has one, degrees'),
    lat: z.number().nullable(),
    from_import: z.boolean().describe('The image that opened it came with an import: nobody is told of it'),
    acknowledged_by: z.string().nullable().describe('Person who has acknowledged it first; null while nobody has'),
    assigned_to: z.string().nullable().describe('Assigned person; null while nobody is assigned'),
    notes: z.int().describe('Number of notes'),
    muted_until: time.nullable().describe('Time until which nobody is told of it; null when it is not muted'),
  })
  .meta({ title: 'IncidentRow' })
export type IncidentRow = z.infer<typeof IncidentRow>

const STATES = ['open', 'ended', 'all'] as const

/** Parameters of /api/incidents. */
export const IncidentsQuery = z.strictObject({
  state: parameter(z.enum(STATES, `must be one of ${STATES.join(', ')}`).default('all'), {
    ...{ type: 'string', enum: STATES, default: 'all' },
    description: 'Only incidents that are open, or that have ended',
  }),
  class: text(NAME_LIMIT, 'Only incidents of this class'),
  site: text(NAME_LIMIT, 'Only incidents of this site'),
  limit: wholeNumber(1, 1000, 100, 'Maximum number of incidents'),
})
export type IncidentsQuery = z.infer<typeof IncidentsQuery>
