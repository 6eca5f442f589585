import { problem } from './problem.ts'

/** Rules of `POST /api/events`, which ingest keeps and the description of the API says. */
export const SENDING_PATH = '/api/events'

/** Form of an Idempotency-Key. */
export const KEY_PATTERN = '^[\\x21-\\x7e]{1,200}$'
export const KEY_DESCRIPTION =
  'With the same key, the same body of the same sender counts once within half an hour: send it again with its key when there was no answer'

/** Media types of a body. */
export const BODY_TYPES = ['application/json', 'application/x-ndjson'] as const

export const SENDING_SUMMARY =
  'Takes events: an object, an array of them, or one a line. All of them are put on the log, or none'

/** Answer with the number of events that the log has. */
export interface Accepted {
  /** Events that the log has. */
  accepted: number
  /** Optional values that cannot be used: they are not measured. */
  unused_values?: number
  /** The first of them. */
  warnings?: { line: number; field: string; detail: string }[]
}

const line = { type: 'integer', description: 'Line of the body, or place in its array, from 1' }
const text = { type: 'string' }

/** JSON Schema of Accepted. */
export const ACCEPTED_SCHEMA = {
  title: 'Accepted',
  type: 'object',
  required: ['accepted'],
  properties: {
    accepted: { type: 'integer', description: 'Events that the log has' },
    unused_values: { type: 'integer', description: 'Optional values that cannot be used: they are not measured' },
    warnings: {
      type: 'array',
      description: 'The first of them',
      items: { type: 'object', properties: { line, field: text, detail: text } },
    },
  },
}

/** Members of a problem that names the lines which are not right. */
export const REFUSED_LINES_SCHEMA = {
  type: 'array',
  description: 'The first lines that are not right',
  items: { type: 'object', properties: { line, reason: text, detail: text } },
}

/** Responses other than success, by status. */
export const SENDING_PROBLEMS = {
  400: 'The body or the Idempotency-Key is not right. `errors` names lines; none of the events was taken',
  403: 'On AWS: the signature is missing, or the sender has no permission',
  406: 'The answer is not available in a format that Accept names',
  408: 'The body did not arrive in time',
  413: 'The body, or the record of its events, is too large',
  415: 'The Content-Type is not right',
  429: 'Too many requests at once',
  500: 'The request failed. None of the events was taken',
  503: 'The log does not answer. Send the same again, with the same Idempotency-Key',
} as const

/** Answers a method that is not POST. */
export function onlyPost(method: string): ReturnType<typeof problem> {
  const refused = problem(405, 'Events can only be sent here', `${method} is not possible: POST is`)
  return { ...refused, headers: { ...refused.headers, Allow: 'POST' } }
}
