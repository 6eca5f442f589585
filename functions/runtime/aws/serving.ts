import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { openLogMetadata } from '#log'
import { servingHandlerOf } from '../layers.ts'
import { rememberedLogMetadata } from '../log-metadata.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects, slotMs } from './open.ts'
import { openStore } from './store.ts'

/** The API. */
export const handler = onFirstCall<APIGatewayProxyEvent, APIGatewayProxyResult>(async () => {
  const [logMetadata, store] = await Promise.all([openLogMetadata(), openStore(slotMs())])
  const ports = { logMetadata: rememberedLogMetadata(logMetadata), store, objects: openObjects(), logger }
  return servingHandlerOf(ports, slotMs())
})
