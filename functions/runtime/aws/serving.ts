import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { openLogMetadata } from '#log'
import { refuseUnsupportedView, viewReader } from '../../batch/view-reader.ts'
import { SECOND_MS } from '../../core/time.ts'
import { openDecisions } from '../../decisions/stored-decisions.ts'
import { servingHandlerOf } from '../layers.ts'
import { rememberedLogMetadata } from '../log-metadata.ts'
import { remembered } from '../memo.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects, slotMs, timing } from './open.ts'
import { openStore } from './store.ts'

/**
 * Time for which equal questions get the same answer, ms. CloudFront shares answers too, but only for requests with the
 * same address and headers, and in each of its places by itself.
 */
const SHARED_MS = SECOND_MS
/** Time for which the list of decisions is not looked at again, ms. */
const DECISIONS_AGE_MS = 5 * SECOND_MS

/** Lambda function of the API. */
export const handler = onFirstCall<APIGatewayProxyEvent, APIGatewayProxyResult>(async () => {
  const [logMetadata, store] = await Promise.all([openLogMetadata(), openStore(slotMs())])
  const objects = openObjects()
  await refuseUnsupportedView(viewReader(objects))
  const ports = { logMetadata: rememberedLogMetadata(logMetadata), store, objects, logger }
  // Decisions are signed and sent to API Gateway, past CloudFront: the page cannot send any.
  const decisions = remembered(DECISIONS_AGE_MS, openDecisions(objects).all)
  return servingHandlerOf(ports, timing(), { decisions, decidedElsewhere: true, sharedMs: SHARED_MS })
})
