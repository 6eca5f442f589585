import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { openDecisions } from '../../decisions/stored-decisions.ts'
import { decisionsHandlerOf } from '../layers.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects } from './open.ts'

/** Lambda function that accepts what people decide about incidents. */
export const handler = onFirstCall<APIGatewayProxyEvent, APIGatewayProxyResult>(async () => {
  const objects = openObjects()
  return decisionsHandlerOf({ objects, logger }, openDecisions(objects))
})
