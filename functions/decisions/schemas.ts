import * as z from 'zod'

/** Longest texts that people write, characters. */
const LONGEST_NAME = 200
const LONGEST_TEXT = 4_000

const name = z.string().min(1).max(LONGEST_NAME)
const text = z.string().min(1).max(LONGEST_TEXT)
const by = name.optional().describe('Name of the person who decides')
const time = z.iso.datetime('write a time in UTC, such as 2026-11-30T08:00:00Z')

/** Body of a decision about an incident. */
export const IncidentDecisionBody = z
  .discriminatedUnion(
    'kind',
    [
      z.strictObject({ kind: z.literal('acknowledge'), by }),
      z.strictObject({ kind: z.literal('assign'), to: name.describe('Assigned person'), by }),
      z.strictObject({ kind: z.literal('note'), text, by }),
    ],
    'must be acknowledge, assign or note',
  )
  .meta({ title: 'IncidentDecision' })
export type IncidentDecisionBody = z.infer<typeof IncidentDecisionBody>

const longitude = z.number().min(-180).max(180)
const latitude = z.number().min(-90).max(90)

/** Body of a mute. */
export const MuteBody = z
  .strictObject({
    site: name.optional().describe('Only this site'),
    class: name.optional().describe('Only this class'),
    region: z
      .tuple([longitude, latitude, longitude, latitude])
      .optional()
      .describe('Only within these degrees: west, south, east, north'),
    all: z.literal(true).optional().describe('Everything, as for a maintenance window'),
    from: time.optional().describe('Start; now if it is left out'),
    until: time.describe('End'),
    reason: text,
    by,
  })
  .refine(({ site, class: of, region, all }) => (site ?? of ?? region) !== undefined || all, {
    message: 'name a site, a class or a region, or say "all": true',
  })
  .refine(({ site, class: of, region, all }) => !all || (site ?? of ?? region) === undefined, {
    path: ['all'],
    message: 'leave it out beside a site, a class or a region',
  })
  .refine(({ region }) => !region || region[1] <= region[3], { path: ['region'], message: 'south is north of north' })
  .meta({ title: 'Mute' })
export type MuteBody = z.infer<typeof MuteBody>

/** Body of the end of a mute. */
export const EndBody = z.strictObject({ by }).meta({ title: 'EndOfMute' })

const incident = z
  .object({
    ...{ id: z.string(), kind: z.string(), class_name: z.string(), site_id: z.string().nullable(), opened_at: time },
  })
  .describe('The incident that it is about')

/** Decision that was stored: its number, its time, and what was sent. */
export const StoredDecision = z
  .looseObject({
    number: z.int().describe('Number of the decision, also that of a mute'),
    at: time,
    by: z.string().nullable(),
    kind: z.enum(['acknowledge', 'assign', 'note', 'mute', 'end-mute']),
    incident: incident.optional(),
  })
  .meta({ title: 'StoredDecision' })

/** Bodies that can be posted, for the description of the API. */
export const DECISION_POSTS = [
  {
    path: '/api/incidents/{id}/decisions',
    summary: 'Acknowledges an incident, assigns it to somebody, or adds a note',
    parameter: 'Id of the incident',
    body: IncidentDecisionBody,
  },
  {
    path: '/api/mutes',
    summary: 'Mutes a site, a class, a region or everything for a time: nobody is told of it',
    parameter: null,
    body: MuteBody,
  },
  {
    path: '/api/mutes/{id}/end',
    summary: 'Ends a mute early',
    parameter: 'Number of the mute',
    body: EndBody,
  },
] as const

/** Responses other than success, by status. */
export const DECISION_PROBLEMS = {
  400: 'The body is not right',
  404: 'There is no such incident or mute',
  406: 'The answer is not available in a format that Accept names',
  409: 'The mute has ended',
  413: 'The body is too large',
  415: 'The Content-Type is not application/json',
  503: 'The decision could not be stored',
} as const
