import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { header } from './header.ts'

/**
 * The answer, or that it is what the asker has, by its tag (RFC 9110, 13.1.2). Tags are weak: the same answer may come
 * compressed or not.
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
