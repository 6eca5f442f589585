import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { header } from './header.ts'

/** The answer, or that it is what the asker has, by its tag (RFC 9110, 13.1.2). */
export function unlessKnown(event: APIGatewayProxyEvent, answer: APIGatewayProxyResult): APIGatewayProxyResult {
  const tag = answer.headers?.ETag
  const known = header(event, 'if-none-match')?.trim()
  if (tag === undefined || known === undefined) return answer
  // What compresses on the way makes a strong tag a weak one.
  const isKnown = known === '*' || known.split(',').some(each => each.trim().replace(/^W\//, '') === tag)
  return isKnown ? { ...answer, statusCode: 304, body: '' } : answer
}
