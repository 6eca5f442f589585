import type { APIGatewayProxyResult } from 'aws-lambda'

/** Further members of a problem: RFC 9457, 3.2. */
export type Extension = Record<string, unknown>

/** Makes an answer that describes an error (RFC 9457). */
export function problem(status: number, title: string, detail: string, more: Extension = {}): APIGatewayProxyResult {
  return {
    statusCode: status,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' },
    body: JSON.stringify({ type: 'about:blank', title, status, detail, ...more }),
  }
}

/** Makes an answer to a request that will succeed later: 503, with the time after which to send it again. */
export function tryAgain(title: string, detail: string): APIGatewayProxyResult {
  const answer = problem(503, title, detail)
  return { ...answer, headers: { ...answer.headers, 'Retry-After': '5' } }
}
