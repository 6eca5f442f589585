import type { Context } from 'aws-lambda'
import { type BatchResponse, deliveriesOf, type LogEvent } from '../../lambda/decode-event.ts'
import { logger, stageMetrics } from './open.ts'

type Handler<Event, Result> = (event: Event, context: Context) => Promise<Result>

/** A handler that is made at the first call, and once: a bundle loads without a network. A failure is tried again. */
export function onFirstCall<Event, Result>(make: () => Promise<Handler<Event, Result>>): Handler<Event, Result> {
  let made: Promise<Handler<Event, Result>> | undefined
  return async (event, context) => {
    made ??= make().catch(error => {
      made = undefined
      throw error
    })
    return (await made)(event, context)
  }
}

/**
 * The same for a consumer of the log: as long as it cannot be made, since the store is down say, it gives deliveries
 * back instead of throwing, for which the mapping would cut them in halves.
 */
export function consumerOnFirstCall(
  consumer: 'speed' | 'archive',
  make: () => Promise<(event: LogEvent) => Promise<BatchResponse>>,
) {
  const made = onFirstCall(async () => {
    const consume = await make()
    return async () => consume
  })
  return async (event: LogEvent, context: Context): Promise<BatchResponse> => {
    const consume = await made(undefined, context).catch(error => {
      logger.warn('cannot start: delivery given back', { error: String(error) })
      stageMetrics().record({ consumer, values: { deliveriesGivenBack: 1 } })
      return giveBack
    })
    return consume(event)
  }
}

async function giveBack(event: LogEvent): Promise<BatchResponse> {
  return { batchItemFailures: deliveriesOf(event, '').map(({ first }) => ({ itemIdentifier: first })) }
}
