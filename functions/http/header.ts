import type { APIGatewayProxyEvent } from 'aws-lambda'

/**
 * Returns the value of a request header.
 *
 * @param wanted header name in lower case. API Gateway passes names as the client wrote them.
 */
export function header({ headers }: APIGatewayProxyEvent, wanted: string): string | undefined {
  return Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === wanted)?.[1]
}
