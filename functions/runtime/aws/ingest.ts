import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { openLog } from '#log'
import { ingestHandlerOf } from '../layers.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects, slotMs } from './open.ts'

/** Lambda function that accepts events over HTTP. */
export const handler = onFirstCall<APIGatewayProxyEvent, APIGatewayProxyResult>(async () =>
  ingestHandlerOf({ log: await openLog(), objects: openObjects(), logger }, slotMs()),
)
