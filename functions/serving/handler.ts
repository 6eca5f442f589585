import { createHash } from 'node:crypto'
import middy from '@middy/core'
import httpRouter from '@middy/http-router'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { z } from 'zod'
import { problem } from '../http/problem.ts'
import type { Logger } from '../ports/logger.ts'
import { anomalies, classStats, health, realtimeNdvi, type Serving } from './answers.ts'
import { batchClassStats, batchDays, batchSeparability, batchStatistics } from './batch-answers.ts'
import { AnomaliesQuery, BatchDaysQuery } from './schemas.ts'

export interface ServingHandlerOptions extends Serving {
  logger: Logger
}

/**
 * The API. Triggered by API Gateway (REST, proxy integration). Bodies are arrays of objects, errors are problem
 * bodies (RFC 9457); an unchanged answer is a 304.
 */
export function servingHandler(serving: ServingHandlerOptions) {
  const get = (path: string, answer: (query: Record<string, string | undefined>) => Promise<unknown>) => ({
    method: 'GET' as const,
    path,
    handler: async (event: APIGatewayProxyEvent) => respond(event, await answer(event.queryStringParameters ?? {})),
  })
  return middy<APIGatewayProxyEvent, APIGatewayProxyResult>()
    .use({ onError: request => onError(request as FailedRequest, serving.logger) })
    .handler(
      httpRouter([
        get('/api/realtime/ndvi', () => realtimeNdvi(serving)),
        get('/api/anomalies', query => anomalies(serving, AnomaliesQuery.parse(query).limit)),
        get('/api/batch/class-stats', () => batchClassStats(serving)),
        get('/api/batch/statistics', () => batchStatistics(serving)),
        get('/api/batch/separability', () => batchSeparability(serving)),
        get('/api/batch/days', query => batchDays(serving, BatchDaysQuery.parse(query))),
        get('/api/class-stats', () => classStats(serving)),
        get('/api/health', () => health(serving)),
      ]),
    )
}

function respond(event: APIGatewayProxyEvent, answer: unknown): APIGatewayProxyResult {
  const body = JSON.stringify(answer)
  const etag = `"${createHash('sha1').update(body).digest('base64url')}"`
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache', ETag: etag }
  const known = Object.entries(event.headers ?? {}).find(([name]) => name.toLowerCase() === 'if-none-match')?.[1]
  return known === etag ? { statusCode: 304, headers, body: '' } : { statusCode: 200, headers, body }
}

interface FailedRequest {
  error: Error & { statusCode?: number }
  response?: APIGatewayProxyResult
}

function onError(request: FailedRequest, logger: Logger): void {
  const { error } = request
  if (error instanceof z.ZodError) {
    const detail = error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`).join('; ')
    request.response = problem(400, 'A parameter is not right', detail)
  } else if (error.statusCode === 404) {
    request.response = problem(404, 'There is nothing here', 'See the README for the paths of the API.')
  } else {
    logger.warn('serving: request failed', { error: String(error) })
    request.response = problem(503, 'The answer is not known right now', 'Try again in a few seconds.')
    request.response.headers = { ...request.response.headers, 'Retry-After': '5' }
  }
}
