import { createHash, randomUUID } from 'node:crypto'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import type { ClassList } from '../core/classes.ts'
import { decodeRecord, encodeRecord, type Rejection } from '../core/record.ts'
import { slotOf } from '../core/slot.ts'
import { SECOND_MS } from '../core/time.ts'
import { problem } from '../http/problem.ts'
import type { EventLog } from '../ports/event-log.ts'
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
const BODY_TYPE = /^application\/(json|x-ndjson)\s*(;|$)/i

/**
 * Takes events over HTTP: a JSON object, an array of them, or one a line. Either all of them are put on the log, as one
 * record, or none: then the answer names each bad line. A body that is sent again with the same Idempotency-Key, by the
 * same sender and within half an hour, counts once.
 *
 * @returns 202 with the number of events once the log has them
 */
export function ingestHandler({ log, classes, slotMs, time, now, logger }: IngestHandlerOptions) {
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
    if ('detail' in lines) return problem(400, 'The body is not right', lines.detail)

    const nowMs = now()
    const producer = producerOf(event, key)
    const plain = Buffer.concat([encodeRecord({ producer, counter: 1 }, []), Buffer.from('\n'), lines.data])
    const place = { lane: '', position: '', arrivalMs: nowMs, data: plain }
    const { events, rejections } = decodeRecord(place, slotOf(nowMs, slotMs), await classes())
    if (rejections.length > 0) return refusal(rejections)
    if (events.length === 0) return problem(400, 'The body is not right', 'there is no event in it')
    const data = compressRecord(plain)
    if (data.byteLength > RECORD_BYTES_LIMIT) {
      return problem(413, 'Too many events at once', `Send fewer: compressed they may have ${RECORD_BYTES_LIMIT} bytes`)
    }

    const failure = await appendWithRetries(
      log,
      { key: producer, data },
      time,
      error => logger.warn('ingest: not stored yet, sending again', { error }),
      AbortSignal.timeout(LONGEST_MS),
    )
    if (failure !== null) {
      logger.warn('ingest: given up', { error: failure })
      const detail =
        key === undefined
          ? 'The log may have the events or not. With an Idempotency-Key they can be sent again without harm.'
          : 'Send the same again with the same Idempotency-Key.'
      const answer = problem(503, 'The log does not answer', detail)
      return { ...answer, headers: { ...answer.headers, 'Retry-After': '5' } }
    }
    const body = JSON.stringify({ accepted: events.length })
    return { statusCode: 202, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }, body }
  }
}

/** The same for the same body under the same key of the same sender: so the copies of a request are known as such. */
function producerOf({ requestContext, body }: APIGatewayProxyEvent, key: string | undefined): string {
  const sender = requestContext?.identity?.userArn ?? ''
  const identity = createHash('sha256').update(JSON.stringify([sender, key ?? randomUUID(), body]))
  return `api-${identity.digest('base64url').slice(0, 16)}`
}

/** The events of the body, one a line, as bytes. */
function linesOf({ body, isBase64Encoded }: APIGatewayProxyEvent): { data: Uint8Array } | { detail: string } {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8')
  if (bytes[0] !== ARRAY_START) return { data: bytes }
  try {
    const events = JSON.parse(bytes.toString('utf8')) as unknown[]
    return { data: Buffer.from(events.map(event => JSON.stringify(event)).join('\n')) }
  } catch {
    return { detail: 'the array is not JSON' }
  }
}

const ARRAY_START = '['.charCodeAt(0)

function refusal(rejections: readonly Rejection[]): APIGatewayProxyResult {
  // The first line is the header that we have put there.
  const named = rejections.slice(0, MAX_NAMED).map(({ index, reason, detail }) => ({ line: index, reason, detail }))
  const count = rejections.length
  return problem(400, 'Events are not right', `${count} of them; none was taken`, { errors: named })
}

function header({ headers }: APIGatewayProxyEvent, wanted: string): string | undefined {
  return Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === wanted)?.[1]
}
