import type { APIGatewayProxyResult } from 'aws-lambda'

/** Makes the answer to HEAD from the answer to GET: without the body, but with its length (RFC 9110, 9.3.2). */
export function headOf(answer: APIGatewayProxyResult): APIGatewayProxyResult {
  if (answer.statusCode === 304) return answer
  const length = String(Buffer.byteLength(answer.body))
  return { ...answer, headers: { ...answer.headers, 'Content-Length': length }, body: '' }
}
