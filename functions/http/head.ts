import type { APIGatewayProxyResult } from 'aws-lambda'

/** The answer to HEAD: that to GET without its body, with the length of the body (RFC 9110, 9.3.2). */
export function headOf(answer: APIGatewayProxyResult): APIGatewayProxyResult {
  if (answer.statusCode === 304) return answer
  const length = String(Buffer.byteLength(answer.body))
  return { ...answer, headers: { ...answer.headers, 'Content-Length': length }, body: '' }
}
