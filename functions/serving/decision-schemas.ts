import * as z from 'zod'
import { NAME_LIMIT, parameter, wholeNumber } from './schemas.ts'

const time = z.iso.datetime()

/** Decision of a person about an incident. */
export const DecisionRow = z
  .object({
    number: z.int().describe('Number of the decision: later ones have higher numbers'),
    at: time.describe('When it was made'),
    by: z.string().nullable().describe('Name of the person who decided; null if not given'),
    kind: z.enum(['acknowledge', 'assign', 'note']),
    to: z.string().nullable().describe('Assigned person; null for other decisions'),
    text: z.string().nullable().describe('Text of a note'),
  })
  .meta({ title: 'DecisionRow' })
export type DecisionRow = z.infer<typeof DecisionRow>

/** Mute: nobody is told of incidents in its scope. A field of the scope that is null fits everything. */
export const MuteRow = z
  .object({
    number: z.int().describe('Number of the mute, by which it is ended early'),
    state: z.enum(['planned', 'active', 'over']),
    site: z.string().nullable().describe('Only this site'),
    class: z.string().nullable().describe('Only this class'),
    west: z.number().nullable().describe('Only within these degrees'),
    south: z.number().nullable(),
    east: z.number().nullable(),
    north: z.number().nullable(),
    from: time,
    until: time.describe('End, or when it was ended early'),
    reason: z.string(),
    by: z.string().nullable().describe('Name of the person who decided; null if not given'),
    at: time.describe('When it was decided'),
  })
  .meta({ title: 'MuteRow' })
export type MuteRow = z.infer<typeof MuteRow>

/** Parameters of the decisions about an incident. */
export const DecisionsQuery = z.strictObject({
  id: parameter(z.string().min(1).max(NAME_LIMIT), {
    ...{ type: 'string', minLength: 1, maxLength: NAME_LIMIT },
    description: 'Id of the incident',
  }),
})
export type DecisionsQuery = z.infer<typeof DecisionsQuery>

const STATES = ['current', 'all'] as const

/** Parameters of /api/mutes. */
export const MutesQuery = z.strictObject({
  state: parameter(z.enum(STATES, `must be one of ${STATES.join(', ')}`).default('current'), {
    ...{ type: 'string', enum: STATES, default: 'current' },
    description: 'Current: those that are active or planned',
  }),
  limit: wholeNumber(1, 1000, 100, 'Maximum number of mutes'),
})
export type MutesQuery = z.infer<typeof MutesQuery>
