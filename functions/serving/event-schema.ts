import { MAX_TEXT_LENGTH, NUMBERS, REQUIRED, TEXTS } from '../core/event-fields.ts'

type Json = Record<string, unknown>

/** Address of the JSON Schema of an event. */
export const EVENT_SCHEMA_PATH = '/api/schemas/event.json'

const isRequired = (field: string) => (REQUIRED as readonly string[]).includes(field)
const typed = (type: string, field: string) => (isRequired(field) ? type : [type, 'null'])

const EXAMPLE: Json = {
  image_id: 'tile-2026-11-22-17',
  class_name: 'Forest',
  ndvi_mean: 0.71,
  ndvi_min: 0.42,
  ndvi_max: 0.88,
  red_mean: 412.5,
  nir_mean: 2930,
  timestamp: '2026-11-22T14:00:00Z',
}

/**
 * JSON Schema of a valid event. Senders can check by it. The system takes more: an optional value that does not keep to
 * it is not measured, numbers may be texts, and ids may be whole numbers.
 *
 * @see https://json-schema.org/draft/2020-12/schema
 */
export const EVENT_SCHEMA: Json = {
  title: 'Event',
  description:
    'Statistics of one image: one class at one time. An optional value that does not keep to this schema is "not measured"; the event counts without it. Further fields are ignored.',
  type: 'object',
  required: REQUIRED,
  properties: {
    ...Object.fromEntries(
      Object.entries(TEXTS).map(([field, description]) => [
        field,
        { type: typed('string', field), minLength: 1, maxLength: MAX_TEXT_LENGTH, description },
      ]),
    ),
    timestamp: {
      anyOf: [
        { type: 'string', format: 'date-time' },
        { type: 'string', format: 'date' },
        { type: 'integer', minimum: 1e11 },
      ],
      description:
        'When the image was taken: a time, a day (its midnight, UTC) or milliseconds since 1970. Not before 1970, nor after now',
    },
    ...Object.fromEntries(
      Object.entries(NUMBERS).map(([field, { lowest, highest, description }]) => [
        field,
        { type: typed('number', field), minimum: lowest, maximum: highest, description },
      ]),
    ),
  },
  examples: [EXAMPLE],
}

/** The schema as a document of its own. */
export const EVENT_SCHEMA_DOCUMENT: Json = { $schema: 'https://json-schema.org/draft/2020-12/schema', ...EVENT_SCHEMA }
