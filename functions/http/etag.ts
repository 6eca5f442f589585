import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { header } from './header.ts'

/**
 * Returns the answer, or a 304 when the client has it already, according to its ETag (RFC 9110, 13.1.2). Tags are weak:
 * the same answer may be compressed or not.
 */
export function conditionalAnswer(event: APIGatewayProxyEvent, answer: APIGatewayProxyResult): APIGatewayProxyResult {
  const tag = answer.headers?.ETag
  const known = header(event, 'if-none-match')?.trim()
  if (tag === undefined || known === undefined) return answer
  const isKnown = known === '*' || known.split(',').some(each => opaque(each) === opaque(tag))
  return isKnown ? { ...answer, statusCode: 304, body: '' } : answer
}

function opaque(tag: string | number | boolean): string {
  return String(tag).trim().replace(/^W\//, '')
}
