import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { openOutline } from '#log'
import { servingHandlerOf } from '../layers.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects, slotMs } from './open.ts'
import { openStore } from './store.ts'

/** The API. */
export const handler = onFirstCall<APIGatewayProxyEvent, APIGatewayProxyResult>(async () => {
  const [outline, store] = await Promise.all([openOutline(), openStore(slotMs())])
  return servingHandlerOf({ outline, store, objects: openObjects(), logger }, slotMs())
})
