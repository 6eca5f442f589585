import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { servingHandlerOf } from '../layers.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openLog, openObjects, slotMs } from './ports.ts'
import { openStore } from './store.ts'

/** The API. */
export const handler = onFirstCall<APIGatewayProxyEvent, APIGatewayProxyResult>(async () => {
  const [log, store] = await Promise.all([openLog(), openStore(slotMs())])
  return servingHandlerOf({ log, store, objects: openObjects(), logger }, slotMs())
})
