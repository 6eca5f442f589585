import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { ingestHandler } from '../../ingest/handler.ts'
import { systemTime } from '../../ingest/retry.ts'
import { knownClasses } from '../reference.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openLog, openObjects, slotMs } from './ports.ts'

/** Takes events over HTTP. */
export const handler = onFirstCall<APIGatewayProxyEvent, APIGatewayProxyResult>(async () => {
  const log = await openLog()
  const classes = knownClasses(openObjects())
  return ingestHandler({ log, classes, slotMs: slotMs(), time: systemTime(), now: Date.now, logger })
})
