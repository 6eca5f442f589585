import * as z from 'zod'
import { DECISION_POSTS, DECISION_PROBLEMS, StoredDecision } from '../decisions/schemas.ts'
import { AS_OF_HEADERS } from '../http/as-of.ts'
import { RANGE_DESCRIPTION, RANGE_HEADER } from '../http/range.ts'
import {
  ACCEPTED_SCHEMA,
  BODY_TYPES,
  KEY_DESCRIPTION,
  KEY_PATTERN,
  REFUSED_LINES_SCHEMA,
  SENDING_PATH,
  SENDING_PROBLEMS,
  SENDING_SUMMARY,
} from '../http/sending.ts'
import { ENDPOINTS, type Endpoint } from './endpoints.ts'
import { EVENT_SCHEMA } from './event-schema.ts'
import { describedParameters } from './schemas.ts'

type Json = Record<string, unknown>

/**
 * Builds the OpenAPI 3.1 document of the API, which is served at /api/openapi.json.
 *
 * @see https://spec.openapis.org/oas/v3.1.1
 */
export function openApi(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'landcover',
      version: '1',
      summary: 'The vegetation of a region: NDVI statistics per land-cover class',
      description:
        'NDVI is -1 to 1, bands are in the units of the images; null is "not measured". Times are ISO 8601, UTC. Tables are arrays of objects, or CSV by `Accept: text/csv` or `format=csv`.',
    },
    // The address is relative to this document: the API may be served below a path.
    servers: [{ url: '..' }],
    paths: pathsOf(),
    components: {
      securitySchemes: { signature: SIGNATURE },
      schemas: {
        ...Object.fromEntries(ENDPOINTS.map(({ schema }) => [nameOf(schema), jsonSchema(schema)])),
        ...Object.fromEntries(
          [...DECISION_POSTS.map(({ body }) => body), StoredDecision].map(schema => [
            nameOf(schema),
            jsonSchema(schema),
          ]),
        ),
        Event: EVENT_SCHEMA,
        Accepted: ACCEPTED_SCHEMA,
        Problem: PROBLEM,
      },
    },
  }
}

function pathsOf(): Record<string, Json> {
  const paths: Record<string, Json> = {}
  for (const endpoint of ENDPOINTS) {
    paths[endpoint.path] = { get: operation(endpoint, 'get'), head: operation(endpoint, 'head') }
  }
  paths[SENDING_PATH] = { post: sending() }
  for (const post of DECISION_POSTS) paths[post.path] = { ...paths[post.path], post: deciding(post) }
  return paths
}

const PROBLEM: Json = {
  type: 'object',
  description: 'Description of the error (RFC 9457)',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    near: { type: 'array', items: { type: 'string' } },
    errors: REFUSED_LINES_SCHEMA,
  },
}

const PROBLEM_CONTENT: Json = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }

/** Signature that only API Gateway requires: a system on one machine accepts events without one. */
const SIGNATURE: Json = {
  type: 'apiKey',
  name: 'Authorization',
  in: 'header',
  'x-amazon-apigateway-authtype': 'awsSigv4',
  description: 'On AWS: a signature (SigV4) of an identity that may execute-api:Invoke. On one machine: none',
}

/** Operation of `POST /api/events`. */
function sending(): Json {
  const event = { $ref: '#/components/schemas/Event' }
  const [jsonType, linesType] = BODY_TYPES
  return {
    operationId: 'postApiEvents',
    summary: SENDING_SUMMARY,
    security: [{}, { signature: [] }],
    parameters: [
      {
        ...{ name: 'Idempotency-Key', in: 'header', required: false, description: KEY_DESCRIPTION },
        schema: { type: 'string', pattern: KEY_PATTERN },
      },
    ],
    requestBody: {
      required: true,
      content: {
        [jsonType]: { schema: { anyOf: [event, { type: 'array', items: event, minItems: 1 }] } },
        [linesType]: { schema: { type: 'string', description: 'One event on each line' } },
      },
    },
    responses: {
      202: {
        description: 'The log has the events',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Accepted' } } },
      },
      ...Object.fromEntries(
        Object.entries(SENDING_PROBLEMS).map(([status, description]) => [
          status,
          { description, content: PROBLEM_CONTENT },
        ]),
      ),
    },
  }
}

/** Operation that stores a decision. Only a system on one machine has it. */
function deciding({ path, summary, parameter, body }: (typeof DECISION_POSTS)[number]): Json {
  return {
    operationId: operationIdOf('post', path),
    summary: `${summary}. On one machine only`,
    ...(parameter !== null && {
      parameters: [
        {
          ...{ name: 'id', in: 'path', required: true, description: parameter },
          schema: { type: 'string', minLength: 1 },
        },
      ],
    }),
    requestBody: {
      required: true,
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${nameOf(body)}` } } },
    },
    responses: {
      201: {
        description: 'The decision is stored',
        content: { 'application/json': { schema: { $ref: `#/components/schemas/${nameOf(StoredDecision)}` } } },
      },
      ...Object.fromEntries(
        Object.entries(DECISION_PROBLEMS).map(([status, description]) => [
          status,
          { description, content: PROBLEM_CONTENT },
        ]),
      ),
    },
  }
}

function operationIdOf(method: string, path: string): string {
  return `${method}${path.replaceAll(/[{}]/g, '').replaceAll(/[/-](\w)/g, (_, letter: string) => letter.toUpperCase())}`
}

function operation(endpoint: Endpoint, method: 'get' | 'head'): Json {
  const isGet = method === 'get'
  const withBody = (content: Json): Json => (isGet ? { content } : {})
  const problem = (description: string): Json => ({ description, ...withBody(PROBLEM_CONTENT) })
  const row = { $ref: `#/components/schemas/${nameOf(endpoint.schema)}` }
  return {
    operationId: operationIdOf(method, endpoint.path),
    summary: endpoint.summary,
    parameters: [
      ...describedParameters(endpoint.query).map(({ name, isRequired, description, schema }) => ({
        ...{ name, in: isInPath(endpoint, name) ? 'path' : 'query', required: isRequired, description, schema },
      })),
      ...(endpoint.isTable ? [FORMAT] : []),
    ],
    responses: {
      200: {
        description: 'The answer',
        headers: {
          ETag: { description: 'For If-None-Match', schema: { type: 'string' } },
          ...(endpoint.query.shape.after && {
            Link: { description: 'rel="next": the next page, where there is one', schema: { type: 'string' } },
          }),
          ...(endpoint.tellsAsOf &&
            Object.fromEntries(
              Object.entries(AS_OF_HEADERS).map(([name, description]) => [
                name,
                { description, schema: { type: 'string', format: 'date-time' } },
              ]),
            )),
          ...(endpoint.tellsRange && {
            [RANGE_HEADER]: { description: RANGE_DESCRIPTION, schema: { type: 'string' } },
          }),
          ...(endpoint.mayBeOld && {
            Age: {
              description: 'Age of the answer, s, when it is an older one because there is no newer one',
              schema: { type: 'string' },
            },
          }),
        },
        ...withBody({
          'application/json': { schema: endpoint.isTable ? { type: 'array', items: row } : row },
          ...(endpoint.isTable && { 'text/csv': { schema: { type: 'string' } } }),
        }),
      },
      304: { description: 'Not changed: still the answer that If-None-Match names' },
      400: problem('A parameter is not right'),
      404: problem('There is no such class, lane, site or page. `near` lists names that are near it'),
      406: problem('The answer is not available in a format that Accept names'),
      429: problem('Too many requests at once'),
      503: problem('The answer is not known right now'),
    },
  }
}

/** Tells whether a parameter is a part of the path. */
function isInPath({ path }: Endpoint, name: string): boolean {
  return path.includes(`{${name}}`)
}

const FORMAT: Json = {
  name: 'format',
  in: 'query',
  description:
    'Form of the answer; overrides Accept. csv-bom begins with a byte order mark, by which spreadsheets know UTF-8',
  schema: { type: 'string', enum: ['json', 'csv', 'csv-bom'] },
}

/** Name of a schema in the document: its title. */
function nameOf(schema: z.ZodType): string {
  return String(schema.meta()?.title)
}

/** Removes the parts of a schema that are the same for all schemas, and the dialect, which is OpenAPI's default. */
function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema)
  return json
}
