import type { APIGatewayProxyEvent } from 'aws-lambda'
import { toPosition } from '../../../functions/core/lane.ts'
import { HOUR_MS } from '../../../functions/core/time.ts'
import type { QuarantineEntry, SpeedStore } from '../../../functions/ports/speed-store.ts'
import { type ServingHandlerOptions, servingHandler } from '../../../functions/serving/handler.ts'
import { collectingLogger, wireEvent } from '../../support/factories.ts'
import { openOneLane } from '../../support/one-lane.ts'

/** Request to the API. */
export interface Request {
  method?: string
  query?: Record<string, string>
  headers?: Record<string, string>
}

/** Event of an image as JSON. */
export const image = (class_name: string, ms: number, ndvi_mean = 0.5) =>
  JSON.stringify(wireEvent({ class_name, timestamp: new Date(ms).toISOString(), ndvi_mean }))

/** Entry of the quarantine. */
export function refused(lane: string, sequence: number, arrivalMs: number, line = 0): QuarantineEntry {
  const bytes = Buffer.from(`{ "number": ${sequence}`)
  return { lane, position: toPosition(sequence), line, arrivalMs, reason: 'not-json', detail: 'is not JSON', bytes }
}

/** Creates the function that opens the API for the running test, on an empty store. */
export function apiOpener(openStore: () => Promise<SpeedStore>) {
  return async function openApi(
    change: (serving: ServingHandlerOptions) => Partial<ServingHandlerOptions> = () => ({}),
  ) {
    const lane = await openOneLane({ slotMs: HOUR_MS, store: await openStore() })
    const logger = collectingLogger()
    const serving = { ...lane.pipeline.serving, logger }
    const handler = servingHandler({ ...serving, ...change(serving) })
    const ask = async (path: string, { method = 'GET', query, headers = {} }: Request = {}) => {
      const event = { httpMethod: method, path, headers, queryStringParameters: query ?? null }
      const {
        statusCode: status,
        headers: answered = {},
        body,
      } = await handler(event as unknown as APIGatewayProxyEvent)
      return { status, headers: answered as Record<string, string>, body }
    }
    return {
      ...lane,
      logger,
      ask,
      json: async (path: string, request?: Request) => JSON.parse((await ask(path, request)).body),
    }
  }
}

export type OpenApi = ReturnType<typeof apiOpener>
