import { createHash, timingSafeEqual } from 'node:crypto'
import type { APIGatewayProxyResult } from 'aws-lambda'
import { READ_ONLY_CORS } from '../../http/cors.ts'
import { problem } from '../../http/problem.ts'
import { LIVE_PATH, READY_PATH } from './probes.ts'

/** Requests that need a token: those that send events, or all but the probes. */
export const TOKEN_SCOPES = ['writes', 'all'] as const
/** One of the scopes. */
export type TokenScope = (typeof TOKEN_SCOPES)[number]

/** Token that requests must bring, and which of them. */
export interface TokenRule {
  token: string
  scope: TokenScope
}

/** Characters of a bearer token (RFC 6750, 2.1), and the number of them that is enough against guessing. */
const TOKEN = /^[\w.~+/-]+=*$/
const LEAST_CHARACTERS = 16
const BEARER = /^Bearer +([^ ]+) *$/i

/** @throws Error that says what a token must be, never the token itself */
export function checkToken(token: string): string {
  if (TOKEN.test(token) && token.length >= LEAST_CHARACTERS) return token
  throw new Error(
    `the token of LANDCOVER_TOKEN or LANDCOVER_TOKEN_FILE has at least ${LEAST_CHARACTERS} letters, digits and -._~+/ (then = only at its end): openssl rand -hex 32 makes one`,
  )
}

/** Returns the refusal of a request that brings no token or a wrong one; undefined when it may go on. */
export function refusalOf(
  rule: TokenRule | undefined,
  { method = '', path, authorization }: { method: string | undefined; path: string; authorization: string | undefined },
): APIGatewayProxyResult | undefined {
  // A preflight request never brings a token.
  if (!rule || path === LIVE_PATH || path === READY_PATH || method === 'OPTIONS') return undefined
  if (rule.scope === 'writes' && READ_ONLY_CORS.methods.includes(method)) return undefined
  const given = BEARER.exec(authorization ?? '')?.[1]
  if (given !== undefined && isSame(given, rule.token)) return undefined
  const refused = problem(
    401,
    given === undefined ? 'A token is needed' : 'The token is not right',
    'Send the header Authorization: Bearer TOKEN, with the token that this system was started with.',
  )
  const challenge = given === undefined ? 'Bearer realm="landcover"' : 'Bearer realm="landcover", error="invalid_token"'
  return { ...refused, headers: { ...refused.headers, 'WWW-Authenticate': challenge } }
}

/** Compares digests, so that the time tells nothing about the token. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map(text => createHash('sha256').update(text).digest()) as [Buffer, Buffer]
  return timingSafeEqual(a, b)
}
