import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import type { Logger } from '../../ports/logger.ts'
import { ImageError } from '../errors.ts'
import { arrivalsOf } from './message.ts'
import { type ArrivalObserver, observeArrival } from './observe-arrival.ts'

/**
 * Makes the handler of a queue of messages about scenes. A message whose scenes are not all done is given back: the queue
 * delivers it again, and puts it aside after some deliveries. The log says why.
 */
export function imagesHandler(
  observer: ArrivalObserver,
  logger: Logger,
): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const failed: string[] = []
    for (const { messageId, body } of Records) {
      if (!(await isDone(body, observer, logger))) failed.push(messageId)
    }
    return { batchItemFailures: failed.map(itemIdentifier => ({ itemIdentifier })) }
  }
}

async function isDone(body: string, observer: ArrivalObserver, logger: Logger): Promise<boolean> {
  try {
    let isWhole = true
    for (const arrival of arrivalsOf(body)) {
      const { scene, identity, summary, published } = await observeArrival(arrival, observer)
      const { otherVersion, ...events } = published
      const staying = otherVersion && { stays: otherVersion.version ?? 'unknown' }
      logger.info('scene observed', { scene, identity, ...summary, ...events, ...staying })
      // A later delivery can find out whether the log has these events.
      if (published.unacknowledged > 0) isWhole = false
    }
    return isWhole
  } catch (error) {
    const kind = error instanceof ImageError ? 'scene refused' : 'scene not observed: the message is given back'
    logger.warn(kind, { error: (error as Error).message })
    return false
  }
}
