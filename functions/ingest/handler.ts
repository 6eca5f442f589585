import { isUtf8 } from 'node:buffer'
import { createHash, randomUUID } from 'node:crypto'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import type { ClassList } from '../core/classes.ts'
import { decodeRecord, encodeRecord, type Origin, type Rejection } from '../core/record.ts'
import { slotOf } from '../core/slot.ts'
import { SECOND_MS } from '../core/time.ts'
import { header } from '../http/header.ts'
import { problem } from '../http/problem.ts'
import type { AppendFailure, EventLog } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import { compressRecord, RECORD_BYTES_LIMIT } from './packing.ts'
import { appendWithRetries, type RetryTime } from './retry.ts'

export interface IngestHandlerOptions {
  log: EventLog
  classes(): Promise<ClassList>
  slotMs: number
  time: RetryTime
  now(): number
  logger: Logger
}

/** Below the 29 s after which API Gateway gives up. */
const LONGEST_MS = 20 * SECOND_MS
/** Bad lines that an answer names; the rest is counted. */
const MAX_NAMED = 20
const KEY_FORM = /^[\x21-\x7e]{1,200}$/
const BYTE_ORDER_MARK = /^\uFEFF/
/** Who sends what is looked at before it is sent. */
const NOBODY: Origin = { producer: 'api', counter: 1 }
/** A role's sessions, of a task and of the one that takes its place say, are one sender. */
const ROLE_SESSION = /^(arn:[^:]*:sts::\d*:assumed-role\/[^/]+)\/.*$/
const BODY_TYPE = /^application\/(json|x-ndjson)\s*(;|$)/i

/**
 * Takes events over HTTP: a JSON object, an array of them, or one a line. Either all of them are put on the log, as one
 * record, or none: then the answer names each bad one. A body that is sent again with the same Idempotency-Key, by the
 * same sender and within half an hour, counts once.
 *
 * @returns 202 with the number of events once the log has them
 */
export function ingestHandler({ log, classes, slotMs, time, now, logger }: IngestHandlerOptions) {
  /** Stores a record. @returns why that failed, in which case the log may or may not have it */
  function store({ producer, counter }: Origin, lines: Uint8Array): Promise<AppendFailure | null> {
    return appendWithRetries(
      log,
      { ...log.destinationOf(producer), data: compressRecord(withHeader({ producer, counter }, lines)) },
      time,
      error => logger.warn('ingest: not stored yet, sending again', { error }),
      AbortSignal.timeout(LONGEST_MS),
    )
  }
  const storeInTurn = inTurn(store)

  return async (event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> => {
    const key = header(event, 'idempotency-key')
    if (key !== undefined && !KEY_FORM.test(key)) {
      return problem(400, 'The Idempotency-Key is not right', 'Idempotency-Key: 1 to 200 visible ASCII characters')
    }
    const type = header(event, 'content-type') ?? ''
    // A page of somebody else cannot send these unasked, so a system that listens on a laptop takes nothing from it.
    if (!BODY_TYPE.test(type)) {
      return problem(415, 'The Content-Type is not right', 'Content-Type: application/json or application/x-ndjson')
    }
    const lines = linesOf(event)
    const nowMs = now()
    const data = withHeader(NOBODY, lines)
    const place = { lane: '', position: '', arrivalMs: nowMs, data }
    const { events, rejections } = decodeRecord(place, slotOf(nowMs, slotMs), await classes())
    if (rejections.length > 0) return refusal(rejections)
    if (events.length === 0) return problem(400, 'The body is not right', 'there is no event in it')
    if (compressRecord(data).byteLength > RECORD_BYTES_LIMIT) {
      return problem(413, 'Too many events at once', `Send fewer: compressed they may have ${RECORD_BYTES_LIMIT} bytes`)
    }

    const failure =
      key === undefined
        ? await storeInTurn(lines)
        : await store({ producer: producerOf(event, key), counter: 1 }, lines)
    if (failure !== null) {
      logger.warn('ingest: given up', { error: failure.error })
      const detail =
        key === undefined
          ? 'The log may have the events or not. With an Idempotency-Key they can be sent again without harm.'
          : 'Send the same again with the same Idempotency-Key.'
      const answer = problem(503, 'The log does not answer', `${failure.error}. ${detail}`)
      return { ...answer, headers: { ...answer.headers, 'Retry-After': '5' } }
    }
    const body = JSON.stringify({ accepted: events.length })
    return { statusCode: 202, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }, body }
  }
}

/**
 * Stores records one after another, as those of one producer, which takes another id after a record that may be
 * missing: so requests without a key are no more to the speed layer than one producer.
 */
function inTurn(store: (origin: Origin, lines: Uint8Array) => Promise<AppendFailure | null>) {
  let origin = { producer: `api-${randomUUID()}`, counter: 0 }
  let last: Promise<unknown> = Promise.resolve()
  return (lines: Uint8Array): Promise<AppendFailure | null> => {
    const storing = last.then(async () => {
      origin = { ...origin, counter: origin.counter + 1 }
      const failure = await store(origin, lines)
      if (failure !== null) origin = { producer: `api-${randomUUID()}`, counter: 0 }
      return failure
    })
    last = storing.catch(() => {})
    return storing
  }
}

function withHeader(origin: Origin, lines: Uint8Array): Buffer {
  return Buffer.concat([encodeRecord(origin, []), Buffer.from('\n'), lines])
}

/** The same for the same body under the same key of the same sender: so the copies of a request are known as such. */
function producerOf({ requestContext, body }: APIGatewayProxyEvent, key: string): string {
  const sender = (requestContext?.identity?.userArn ?? '').replace(ROLE_SESSION, '$1')
  const identity = createHash('sha256').update(JSON.stringify([sender, key, body]))
  return `api-${identity.digest('base64url').slice(0, 16)}`
}

/** The events of the body, one a line. A body that is no JSON document has them so already, or is found out later. */
function linesOf({ body, isBase64Encoded }: APIGatewayProxyEvent): Uint8Array {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8')
  if (!isUtf8(bytes)) return bytes
  const text = bytes.toString('utf8').replace(BYTE_ORDER_MARK, '')
  try {
    const document: unknown = JSON.parse(text)
    const events = Array.isArray(document) ? document : [document]
    return Buffer.from(events.map(event => JSON.stringify(event)).join('\n'))
  } catch {
    return Buffer.from(text)
  }
}

function refusal(rejections: readonly Rejection[]): APIGatewayProxyResult {
  // The first line is the header that we have put there.
  const named = rejections.slice(0, MAX_NAMED).map(({ index, reason, detail }) => ({ line: index, reason, detail }))
  const count = rejections.length
  return problem(400, 'Events are not right', `${count} of them; none was taken`, { errors: named })
}
