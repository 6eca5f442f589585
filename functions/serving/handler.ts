import { createHash } from 'node:crypto'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { DamagedObjectError } from '../batch/view.ts'
import { formatTimestamp, SECOND_MS } from '../core/time.ts'
import { isDecisionsPath } from '../decisions/handler.ts'
import type { AS_OF_HEADERS } from '../http/as-of.ts'
import { type Answer, type Form, httpEdge, type ProxyHandler } from '../http/edge.ts'
import { conditionalAnswer } from '../http/etag.ts'
import { problem } from '../http/problem.ts'
import { RANGE_HEADER } from '../http/range.ts'
import { onlyPost, SENDING_PATH } from '../http/sending.ts'
import type { Logger } from '../ports/logger.ts'
import type { AsOf, Serving } from './answers.ts'
import { BadParameterError } from './bad-parameter.ts'
import { toCsv } from './csv.ts'
import { type Endpoint, endpointOf } from './endpoints.ts'
import { EVENT_SCHEMA_DOCUMENT, EVENT_SCHEMA_PATH } from './event-schema.ts'
import { openApi } from './openapi.ts'
import { referencePage } from './reference-page.ts'
import { sharedAnswers } from './shared-answers.ts'
import { staleIfError } from './stale-if-error.ts'

/** Ports and settings of the API, and where it logs. */
export interface ServingHandlerOptions extends Serving {
  logger: Logger
  /** Time for which equal questions get the same answer, ms; by default each one is answered by itself. */
  sharedMs?: number
}

/**
 * Time limits for an answer, ms. They are shorter than the page's own limit; the second applies when an older answer is
 * kept.
 */
const ANSWERED_WITHIN_MS = 7 * SECOND_MS
const KEPT_WITHIN_MS = 3 * SECOND_MS
/** Parameters that make a request nearly unique: there are many different ones, and each is requested once. */
const ASKED_ONCE = ['from', 'to', 'after', 'bbox', 'id']
const LONGEST_QUERY = 4_000
/**
 * Maximum size of a body, bytes. Lambda returns at most 6 MB of JSON, which contains the body as a text; the rest is
 * for headers.
 */
const MOST_BYTES = 6 * 1024 * 1024 - 16 * 1024

type Headers = Record<string, string>

/** Value of an answer. A table has columns, and so can be CSV. */
interface Value {
  value: unknown
  columns: readonly string[] | null
  /** Begins CSV with a byte order mark. */
  isMarked: boolean
}

const JSON_TYPE = 'application/json'
const CSV_TYPE = 'text/csv'
/** Byte order mark. Spreadsheets read CSV that begins with it as UTF-8. */
const MARK = '\uFEFF'
const FORMS: readonly Form<Value>[] = [
  { type: JSON_TYPE, contentType: JSON_TYPE, write: ({ value }) => notTooLong(JSON.stringify(value)) },
  {
    type: CSV_TYPE,
    contentType: `${CSV_TYPE}; charset=utf-8`,
    write: ({ value, columns, isMarked }) =>
      notTooLong(`${isMarked ? MARK : ''}${toCsv(columns as string[], value as Record<string, unknown>[])}`),
  },
]

/**
 * Creates the handler of the API. Tables are arrays of objects, or CSV. Errors are problem bodies (RFC 9457). An
 * unchanged answer is a 304. When there is no answer in time, the last good one is given with its age, if its endpoint
 * allows it, and otherwise 503.
 */
export function servingHandler(serving: ServingHandlerOptions): ProxyHandler {
  const kept = staleIfError(serving.elapsedMs, ANSWERED_WITHIN_MS, KEPT_WITHIN_MS)
  const share = sharedAnswers(serving.sharedMs ?? 0, serving.elapsedMs)

  async function handle(event: APIGatewayProxyEvent, accepted: readonly string[]): Promise<Answer<Value>> {
    const method = event.httpMethod
    const found = endpointOf(event.path)
    const document = DOCUMENTS.get(event.path)
    if (event.path === SENDING_PATH) return onlyPost(method)
    if (!found && !document) {
      return problem(404, 'There is nothing here', 'GET /api/openapi.json says what there is, /api/docs for people.')
    }
    if (method !== 'GET' && method !== 'HEAD') {
      return notAllowed(method, serving.decisions !== null && isDecisionsPath(event.path))
    }
    if (document) return { statusCode: 200, headers: document.headers, body: document.text() }
    return answerOf(found as NonNullable<typeof found>, event, accepted)
  }

  async function answerOf(
    { endpoint, named }: { endpoint: Endpoint; named: Record<string, string> },
    event: APIGatewayProxyEvent,
    accepted: readonly string[],
  ): Promise<Answer<Value>> {
    const { format, ...parameters } = parametersOf(event)
    for (const name of Object.keys(named)) {
      if (name in parameters) throw new BadParameterError(`${name}: is a part of the path, not a parameter`)
    }
    const query = { ...parameters, ...named }
    const type = typeOf(endpoint, format, accepted)
    if (!type) {
      const types = endpoint.isTable ? 'application/json and text/csv' : 'application/json'
      return problem(406, 'The answer is not available in this format', `It is available as ${types}`)
    }
    const key = JSON.stringify([endpoint.path, Object.entries(query).sort()])
    const question = endpoint.question(query)
    const ask = () => share([endpoint.path, question], () => endpoint.answer(serving, question))
    const isKept = endpoint.mayBeOld && !ASKED_ONCE.some(name => name in query)
    const { value, ageMs, failure } = isKept ? await kept.ask(key, ask) : await kept.askFresh(ask)
    if (failure) serving.logger.warn('serving: an older answer was given', { path: endpoint.path, ageMs, failure })
    const headers: Headers = {
      ...(type === CSV_TYPE && { 'Content-Disposition': `attachment; filename="${fileName(endpoint)}"` }),
      ...(ageMs > 0 && { Age: String(Math.ceil(ageMs / SECOND_MS)), Warning: '110 - "Response is Stale"' }),
      ...(value.asOf && asOfHeaders(value.asOf)),
      ...(value.range !== undefined && { [RANGE_HEADER]: value.range }),
      ...(value.next && { Link: `<${nextPage(event, value.next)}>; rel="next"` }),
    }
    const columns = endpoint.isTable ? Object.keys(endpoint.schema.shape) : null
    return { statusCode: 200, headers, body: { value: value.body, columns, isMarked: format === 'csv-bom' }, type }
  }

  return httpEdge({ forms: FORMS, handle, finish: tagged, failed: error => failed(error, serving.logger) })
}

/**
 * Cache-Control of answers. No cache between us and the client may decide how long an answer stays fresh, nor serve a
 * stale one.
 */
const NEVER_STALE = 'no-cache, stale-if-error=0'

const PAGE_HEADERS: Headers = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
}

/** Documents about the API itself. They never change, and most processes are never asked for them. */
const DOCUMENTS: ReadonlyMap<string, { headers: Headers; text(): string }> = new Map([
  ['/api/openapi.json', { headers: { 'Content-Type': JSON_TYPE }, text: once(() => JSON.stringify(openApi())) }],
  [
    EVENT_SCHEMA_PATH,
    { headers: { 'Content-Type': 'application/schema+json' }, text: once(() => JSON.stringify(EVENT_SCHEMA_DOCUMENT)) },
  ],
  ['/api/docs', { headers: PAGE_HEADERS, text: once(referencePage) }],
])

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

function withHeaders(result: APIGatewayProxyResult, headers: Headers): APIGatewayProxyResult {
  return { ...result, headers: { ...result.headers, ...headers } }
}

/**
 * Returns the query parameters.
 *
 * @throws BadParameterError when there are too many, or one appears twice
 */
function parametersOf(event: APIGatewayProxyEvent): Record<string, string> {
  const all = event.multiValueQueryStringParameters ?? {}
  for (const [name, values] of Object.entries(all)) {
    if ((values?.length ?? 0) > 1)
      throw new BadParameterError(`${name}: must be given once, not ${values?.length} times`)
  }
  const parameters = event.queryStringParameters ?? {}
  const length = Object.entries(parameters).reduce((sum, [name, value]) => sum + name.length + (value?.length ?? 0), 0)
  if (length > LONGEST_QUERY) throw new BadParameterError(`the query: has more than ${LONGEST_QUERY} characters`)
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, value ?? '']))
}

/** @param isPosted true when another handler takes POST at this path */
function notAllowed(method: string, isPosted: boolean): APIGatewayProxyResult {
  return isPosted
    ? withHeaders(problem(405, 'This is not possible here', `${method} is not: GET, HEAD and POST are`), {
        Allow: 'GET, HEAD, POST',
      })
    : withHeaders(problem(405, 'Only reading is possible here', `${method} is not: GET and HEAD are`), {
        Allow: 'GET, HEAD',
      })
}

/** File name under which a browser saves a table: landcover-batch-days.csv for /api/batch/days. */
function fileName({ path }: Endpoint): string {
  return `${path.replace('/api', 'landcover').replaceAll('/', '-')}.csv`
}

/** Chooses the media type by the parameter, or the best that Accept allows; undefined when none is possible. */
function typeOf({ isTable }: Endpoint, format: string | undefined, accepted: readonly string[]): string | undefined {
  if (format === undefined) return accepted.find(type => isTable || type === JSON_TYPE)
  if (isTable && format === 'json') return JSON_TYPE
  if (isTable && (format === 'csv' || format === 'csv-bom')) return CSV_TYPE
  throw new BadParameterError(
    `format: ${isTable ? 'must be json, csv or csv-bom' : 'there is only JSON, leave it out'}`,
  )
}

/**
 * Checks the size of an answer.
 *
 * @throws BadParameterError when it is larger than can be returned
 */
function notTooLong(text: string): string {
  // A text that is clearly shorter needs no measurement.
  const bytes = text.length < MOST_BYTES / 8 ? 0 : Buffer.byteLength(JSON.stringify(text))
  if (bytes <= MOST_BYTES) return text
  throw new BadParameterError(
    `the query: its answer would have ${(bytes / 1024 ** 2).toFixed(1)} MB, and 6 at most can be given: ask for less at once`,
  )
}

function asOfHeaders({ arrivedMs, cut, watermarkMs }: AsOf): Headers {
  const times: Record<keyof typeof AS_OF_HEADERS, number | null> = {
    'Landcover-As-Of': arrivedMs,
    'Landcover-Batch-Cut': cut,
    'Landcover-Watermark': watermarkMs,
  }
  return Object.fromEntries(
    Object.entries(times).flatMap(([name, ms]) => (ms === null ? [] : [[name, formatTimestamp(ms)]])),
  )
}

/**
 * Builds the address of the next page, relative to the request. The part before the path, such as the name of a stage,
 * is not known here.
 */
function nextPage({ queryStringParameters }: APIGatewayProxyEvent, next: Record<string, string>): string {
  return `?${new URLSearchParams({ ...queryStringParameters, ...next } as Record<string, string>)}`
}

/** A good answer with its tag; the tag also tells the form. */
function tagged(event: APIGatewayProxyEvent, answer: APIGatewayProxyResult): APIGatewayProxyResult {
  const { statusCode, headers = {}, body } = answer
  if (statusCode !== 200) return answer
  const tag = createHash('sha1').update(String(headers['Content-Type'])).update(body).digest('base64url')
  const added = { 'Cache-Control': NEVER_STALE, ETag: `W/"${tag}"`, Vary: 'Accept' }
  return conditionalAnswer(event, { ...answer, headers: { ...headers, ...added } })
}

function failed(error: Error, logger: Logger): APIGatewayProxyResult {
  if (error instanceof BadParameterError) {
    return problem(error.status, 'A parameter is not right', error.message, error.more)
  }
  logger.warn('serving: request failed', { error: String(error) })
  const detail =
    error instanceof DamagedObjectError
      ? `A file of the batch view is damaged, and there is no older view to use instead: ${error.message}.`
      : 'Try again in a few seconds.'
  return withHeaders(problem(503, 'The answer is not known right now', detail), {
    'Retry-After': '5',
  })
}
