import type { APIGatewayProxyEvent } from 'aws-lambda'

/** @param wanted name of the header, in small letters: API Gateway passes names as they were written */
export function header({ headers }: APIGatewayProxyEvent, wanted: string): string | undefined {
  return Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === wanted)?.[1]
}
