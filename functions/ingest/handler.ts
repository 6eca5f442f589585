import { createHash } from 'node:crypto'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import type { ClassList } from '../core/classes.ts'
import { type DecodedRecord, decodeEvents, type Rejection } from '../core/record.ts'
import { joinLines, type Line, readLines } from '../core/record-lines.ts'
import { slotOf } from '../core/slot.ts'
import { MAX_DECODED_BYTES, MAX_LINES, tooLarge, UnreadableError } from '../core/unreadable.ts'
import { type Answer, type Form, httpEdge, type ProxyHandler } from '../http/edge.ts'
import { problem, tryAgain } from '../http/problem.ts'
import { type Accepted, BODY_TYPES, KEY_PATTERN } from '../http/sending.ts'
import type { Destination, EventLog } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import { HEADER_BYTES } from './packing.ts'
import { requestStore } from './request-store.ts'
import type { RetryTime } from './retry.ts'

/** Ports and settings of the handler of `POST /api/events`. */
export interface IngestHandlerOptions {
  log: EventLog
  /** Returns the destination of all attempts with an Idempotency-Key: see keyRoute. */
  routeOf(key: string): Promise<Destination>
  classes(): Promise<ClassList>
  slotMs: number
  time: RetryTime
  now(): number
  logger: Logger
}

const JSON_FORM: Form<Accepted> = { type: 'application/json', contentType: 'application/json', write: JSON.stringify }

/** Maximum number of invalid lines that an answer names. The others are counted. */
const MAX_NAMED = 20
const KEY_FORM = new RegExp(KEY_PATTERN)
/** Sessions of a role count as one sender, for example those of a task and of its replacement. */
const ROLE_SESSION = /^(arn:[^:]*:sts::\d*:assumed-role\/[^/]+)\/.*$/
const BODY_TYPE = /^application\/(json|(x-)?(ndjson|jsonlines)|[\w.-]+\+json)\s*(;|$)/i

/**
 * Takes events over HTTP: a JSON object, an array of them, or one a line, or in a wrapper that records may have (see
 * readLines). Either all of them are put on the log, as one record, or none: then the answer names each bad one. A body
 * that is sent again with the same Idempotency-Key, by the same sender and within half an hour, counts once.
 *
 * @returns 202 with the number of events once the log has them; within 20 s in any case
 */
export function ingestHandler(options: IngestHandlerOptions): ProxyHandler {
  const { log, routeOf, classes, slotMs, time, now, logger } = options
  const onRetry = (error: string) => logger.warn('ingest: not stored yet, sending again', { error })
  const requests = requestStore(log, time, onRetry, routeOf)

  async function answer(event: APIGatewayProxyEvent, arrivedMs: number): Promise<Answer<Accepted>> {
    const key = event.headers['idempotency-key']
    if (key !== undefined && !KEY_FORM.test(key)) {
      return problem(400, 'The Idempotency-Key is not right', 'Idempotency-Key: 1 to 200 visible ASCII characters')
    }
    const type = event.headers['content-type'] ?? ''
    // Pages of other origins cannot send these types without permission, so a system on a laptop accepts no events from
    // them.
    if (!BODY_TYPE.test(type)) {
      return problem(415, 'The Content-Type is not right', `Content-Type: ${BODY_TYPES.join(' or ')}`)
    }
    const lines = linesIn(event)
    if (lines instanceof UnreadableError) return problem(400, 'The body is not right', lines.message)
    const nowMs = now()
    const known = await classes().catch((error: Error) => error)
    if (known instanceof Error) {
      logger.warn('ingest: the class list cannot be read', { error: known.message })
      return tryAgain('The class list cannot be read', 'Nothing was taken. Send it again once GET /api/health is ok.')
    }
    const { events, rejections, unusedValues, warnings } = decodeEvents(lines, nowMs, slotOf(nowMs, slotMs), known)
    if (rejections.length > 0) return refusal(rejections)
    if (events.length === 0) return problem(400, 'The body is not right', 'there is no event in it')
    const bytes = joinLines(lines.map(({ raw }) => raw))
    if (bytes.byteLength > MAX_DECODED_BYTES - HEADER_BYTES) {
      return problem(400, 'The body is not right', tooLarge().message)
    }
    const producer = key === undefined ? undefined : producerOf(event, key)
    const outcome = await requests.store(bytes, producer, arrivedMs)
    if (outcome.kind !== 'stored') logger.warn('ingest: given up', { error: outcome.error })
    switch (outcome.kind) {
      case 'stored':
        return {
          statusCode: 202,
          headers: { 'Cache-Control': 'no-store' },
          body: { accepted: events.length, ...(unusedValues > 0 && warned(unusedValues, warnings)) },
          type: JSON_FORM.type,
        }
      case 'too-large':
        return tooLargeFor(events.length, outcome)
      case 'not-sent':
        return tryAgain('Too many requests wait for the log', 'Nothing of this one was taken. Send it again.')
      case 'unwritable':
      case 'unknown':
        return tryAgain(
          outcome.kind === 'unwritable' ? 'The disk of the log refuses writes' : 'The log does not answer',
          key === undefined
            ? `${outcome.error}. The log may have the events or not. With an Idempotency-Key they can be sent again without harm.`
            : `${outcome.error}. Send the same again with the same Idempotency-Key.`,
        )
    }
  }

  return httpEdge({
    forms: [JSON_FORM],
    handle: event => answer(event, time.now()),
    failed(error) {
      logger.warn('ingest: request failed', { error: String(error) })
      return problem(500, 'The request failed', 'Nothing was taken. The log of the server says why.')
    },
  })
}

function warned(unusedValues: number, warnings: DecodedRecord['warnings']): Omit<Accepted, 'accepted'> {
  return {
    unused_values: unusedValues,
    warnings: warnings.map(({ line, field, message }) => ({
      line: line + 1,
      field,
      detail: `${message}: not measured`,
    })),
  }
}

/** Makes the answer for a record that is too large. */
function tooLargeFor(events: number, { bytes, limit }: { bytes: number; limit: number | null }): APIGatewayProxyResult {
  const takes = limit === null ? 'the log takes fewer' : `the log takes at most ${limit}`
  const advice = events === 1 ? 'It does not fit into a record: send it with less in it.' : 'Send fewer events at once.'
  const title = events === 1 ? 'The event is too large' : 'Too many events at once'
  return problem(413, title, `Compressed they have ${bytes} bytes, and ${takes}. ${advice}`)
}

/**
 * Computes the producer id of a request. The same body with the same key from the same sender gives the same id, so
 * copies of a request are recognised.
 */
function producerOf({ requestContext, body }: APIGatewayProxyEvent, key: string): string {
  const sender = (requestContext?.identity?.userArn ?? '').replace(ROLE_SESSION, '$1')
  const identity = createHash('sha256').update(JSON.stringify([sender, key, body]))
  return `api-${identity.digest('base64url').slice(0, 16)}`
}

/** Reads the lines of a body, one event on each, as those of a record are found; or the reason why there are none. */
function linesIn({ body, isBase64Encoded }: APIGatewayProxyEvent): Line[] | UnreadableError {
  try {
    const lines = [...readLines(Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8'))]
    // The record has one line more: its header.
    return lines.length < MAX_LINES ? lines : tooLarge()
  } catch (error) {
    if (error instanceof UnreadableError) return error
    throw error
  }
}

function refusal(rejections: readonly Rejection[]): APIGatewayProxyResult {
  const named = rejections.slice(0, MAX_NAMED).map(({ line, reason, detail }) => ({
    line: line === null ? null : line + 1,
    reason,
    detail,
  }))
  const count = rejections.length
  return problem(400, 'Events are not right', `${count} of them; none was taken`, { errors: named })
}
