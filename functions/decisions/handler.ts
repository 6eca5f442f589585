import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { z } from 'zod'
import { type Decision, mutesOf } from '../core/incidents/decisions.ts'
import type { Incident } from '../core/incidents/incident.ts'
import { formatTimestamp } from '../core/time.ts'
import { type Answer, type Form, httpEdge, type ProxyHandler } from '../http/edge.ts'
import { problem, tryAgain } from '../http/problem.ts'
import type { Logger } from '../ports/logger.ts'
import { EndBody, IncidentDecisionBody, MuteBody } from './schemas.ts'
import type { Decisions, NewDecision } from './stored-decisions.ts'

/** Ports of the handler of decisions. */
export interface DecisionsHandlerOptions {
  decisions: Decisions
  /** Reads the newest incidents. */
  incidents(): Promise<readonly Incident[]>
  now(): number
  logger: Logger
}

/** Paths to which decisions are posted, and what the first group of the path names. */
const INCIDENT_PATH = /^\/api\/incidents\/([^/]+)\/decisions$/
const MUTES_PATH = /^\/api\/mutes$/
const END_PATH = /^\/api\/mutes\/([^/]+)\/end$/

/** Tells whether a path takes decisions. */
export function isDecisionsPath(path: string): boolean {
  return [INCIDENT_PATH, MUTES_PATH, END_PATH].some(form => form.test(path))
}

const JSON_FORM: Form<Decision> = { type: 'application/json', contentType: 'application/json', write: JSON.stringify }

/** A body is JSON of this type: pages of other origins cannot send it without permission. */
const BODY_TYPE = /^application\/json\s*(;|$)/i
const MOST_BYTES = 16 * 1024

/** Thrown when a request is not valid. */
class RefusedError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Handler of `POST` of decisions. It answers 201 with the decision once that is stored. */
export function decisionsHandler(options: DecisionsHandlerOptions): ProxyHandler {
  const { decisions, now, logger } = options
  return httpEdge({
    forms: [JSON_FORM],
    async handle(event): Promise<Answer<Decision>> {
      const decision = withIdentity(await decisionIn(event, options), event)
      const body = await decisions.add(decision, now())
      return { statusCode: 201, headers: { 'Cache-Control': 'no-store' }, body, type: JSON_FORM.type }
    },
    failed(error) {
      if (error instanceof RefusedError) return problem(error.status, 'The decision is not right', error.message)
      logger.warn('decisions: request failed', { error: String(error) })
      return tryAgain('The decision could not be stored', 'Send it again in a few seconds.')
    },
  })
}

async function decisionIn(event: APIGatewayProxyEvent, options: DecisionsHandlerOptions): Promise<NewDecision> {
  const { path } = event
  const id = INCIDENT_PATH.exec(path)?.[1]
  if (id !== undefined) return aboutIncident(decodeURIComponent(id), bodyOf(event, IncidentDecisionBody), options)
  const mute = END_PATH.exec(path)?.[1]
  if (mute !== undefined) return endOf(mute, bodyOf(event, EndBody), options)
  if (MUTES_PATH.test(path)) return muteOf(bodyOf(event, MuteBody), options)
  throw new RefusedError(404, 'nothing is posted here: GET /api/openapi.json says where decisions go')
}

/** Adds to a decision who signed the request, where API Gateway has checked the signature. */
function withIdentity(decision: NewDecision, { requestContext }: APIGatewayProxyEvent): NewDecision {
  const signer = requestContext?.identity?.userArn
  if (!signer) return decision
  return { ...decision, by: decision.by === null ? signer : `${decision.by} (${signer})` }
}

function bodyOf<Schema extends z.ZodType>(event: APIGatewayProxyEvent, schema: Schema): z.infer<Schema> {
  if (!BODY_TYPE.test(event.headers['content-type'] ?? '')) {
    throw new RefusedError(415, 'Content-Type: application/json')
  }
  const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')
  if (bytes.byteLength > MOST_BYTES) throw new RefusedError(413, `the body may have ${MOST_BYTES} bytes`)
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new RefusedError(400, `the body is not JSON: ${(error as Error).message}`)
  }
  const { data, error } = schema.safeParse(value)
  if (!error) return data
  const said = error.issues.map(issue =>
    issue.code === 'unrecognized_keys'
      ? `${issue.keys.join(', ')}: there is no such field`
      : `${issue.path.join('.') || 'the body'}: ${issue.message}`,
  )
  throw new RefusedError(400, said.join('; '))
}

async function aboutIncident(
  id: string,
  { by, ...decision }: IncidentDecisionBody,
  { incidents }: DecisionsHandlerOptions,
): Promise<NewDecision> {
  const found = (await incidents()).find(incident => incident.id === id)
  if (!found) throw new RefusedError(404, `there is no incident '${id}': GET /api/incidents lists them`)
  const { kind, class_name, site_id, opened_at } = found
  return { ...decision, by: by ?? null, incident: { id, kind, class_name, site_id, opened_at } } as NewDecision
}

async function endOf(
  text: string,
  { by }: z.infer<typeof EndBody>,
  { decisions, now }: DecisionsHandlerOptions,
): Promise<NewDecision> {
  const mute = mutesOf(await decisions.all()).find(({ number }) => String(number) === text)
  if (!mute) throw new RefusedError(404, `there is no mute '${text}': GET /api/mutes lists them`)
  if (Date.parse(mute.until) <= now()) throw new RefusedError(409, `mute ${text} has ended at ${mute.until}`)
  return { kind: 'end-mute', mute: mute.number, by: by ?? null }
}

function muteOf(mute: MuteBody, { now }: DecisionsHandlerOptions): NewDecision {
  const { site = null, class: className = null, region = null, reason, by = null } = mute
  const from = mute.from === undefined ? formatTimestamp(now()) : formatTimestamp(Date.parse(mute.from))
  const until = formatTimestamp(Date.parse(mute.until))
  if (until <= from) throw new RefusedError(400, 'until: must be later than from')
  if (Date.parse(until) <= now()) throw new RefusedError(400, 'until: has passed')
  return { kind: 'mute', by, site, class: className, region, from, until, reason }
}
