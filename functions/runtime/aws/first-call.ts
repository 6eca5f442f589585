import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { type BatchResponse, deliveriesOf, type LogEvent } from '../../lambda/decode-event.ts'
import { callLogged, logger, stageMetrics } from './open.ts'

type Handler<Event, Result> = (event: Event, context: Context) => Promise<Result>

/** A deployed function: the lines that its handler logs name the function and the call. */
export function lambdaFunction<Event, Result>(handler: Handler<Event, Result>): Handler<Event, Result> {
  return middy<Event, Result>({ timeoutEarlyInMillis: 0 }).use(callLogged).handler(handler)
}

/** A function whose handler is made at the first call, and once: a bundle loads without a network. */
export function onFirstCall<Event, Result>(make: () => Promise<Handler<Event, Result>>): Handler<Event, Result> {
  const made = madeOnce(make)
  return lambdaFunction(async (event, context) => (await made())(event, context))
}

/**
 * The same for a consumer of the log. While it cannot be made, for example because the store is down, it gives
 * deliveries back. It does not throw: the mapping would then split the deliveries into halves.
 */
export function consumerOnFirstCall(
  consumer: 'speed' | 'archive',
  make: () => Promise<(event: LogEvent) => Promise<BatchResponse>>,
): Handler<LogEvent, BatchResponse> {
  const made = madeOnce(make)
  return lambdaFunction(async event => {
    const consume = await made().catch(error => {
      logger.warn('cannot start: delivery given back', { error: String(error) })
      stageMetrics().record({ consumer, values: { deliveriesGivenBack: 1 } })
      return giveBack
    })
    return consume(event)
  })
}

/** Makes a value at the first call. A failure is tried again at the next. */
function madeOnce<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch(error => {
      made = undefined
      throw error
    })
    return made
  }
}

async function giveBack(event: LogEvent): Promise<BatchResponse> {
  return { batchItemFailures: deliveriesOf(event, '').map(({ first }) => ({ itemIdentifier: first })) }
}
