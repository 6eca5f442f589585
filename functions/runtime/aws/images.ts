import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { openLog } from '#log'
import { openS3ObjectRanges } from '../../adapters/s3/object-ranges.ts'
import { parseImageSettings } from '../config/images.ts'
import { imagesHandlerOf } from '../images.ts'
import { onFirstCall } from './first-call.ts'
import { logger, openObjects, slotMs } from './open.ts'
import { variable } from './variables.ts'

/** Lambda function that observes satellite scenes as messages announce them. */
export const handler = onFirstCall<SQSEvent, SQSBatchResponse>(async () => {
  const ports = { log: await openLog(), objects: openObjects(), ranges: openS3ObjectRanges(), logger }
  return imagesHandlerOf(ports, parseImageSettings(variable('LANDCOVER_IMAGES')), slotMs())
})
