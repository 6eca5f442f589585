import type { LogRecord } from '../core/record.ts'
import { type BatchResponse, consume, type LogEvent } from '../lambda/decode-event.ts'
import type { Logger } from '../ports/logger.ts'
import type { Measurement, Metrics } from '../ports/metrics.ts'
import { type Applied, applyDelivery, type SpeedLayer } from './apply.ts'
import type { RowCache } from './row-cache.ts'

/** Speed layer, and what its handler needs to decode deliveries and to report. */
export interface SpeedHandlerOptions extends SpeedLayer {
  streamIdentity: string
  logger: Logger
  metrics: Metrics
}

/**
 * Creates the Lambda handler of the speed layer. It adds the records of a delivery to the rows that the API reads, and
 * finds unusual images. The event source mapping of the stream calls it.
 */
export function speedHandler(options: SpeedHandlerOptions) {
  const { streamIdentity, logger, metrics, now } = options
  const cache: RowCache = new Map()
  const measure = (lane: string, records: readonly LogRecord[], values: Measurement['values']) => {
    const last = records.at(-1)
    const iteratorAgeMs = last ? now() - last.arrivalMs : null
    metrics.record({ consumer: 'speed', lane, values: { ...values, iteratorAgeMs } })
  }
  return (event: LogEvent): Promise<BatchResponse> =>
    consume(
      event,
      streamIdentity,
      async ({ lane, records }) => {
        const startMs = now()
        const { producersForgotten, lost, ...applied } = await applyDelivery(options, cache, lane, records)
        if (lost > 0) logger.warn('speed: the log removed records before they were read', { lane, lost })
        if (producersForgotten > 0)
          logger.warn('speed: too many producer ids to remember', { lane, producersForgotten })
        measure(lane, records, {
          ...valuesOf(applied),
          ...(lost > 0 && { lost }),
          deliveriesGivenBack: 0,
          applyMs: now() - startMs,
        })
      },
      ({ lane, records }, error) => {
        cache.clear()
        logger.warn('speed: delivery given back', { lane, records: records.length, error: String(error) })
        measure(lane, records, { deliveriesGivenBack: 1 })
      },
    )
}

function valuesOf({
  quarantined,
  unusedValues,
  heartbeatDelayMs,
  ...counts
}: Omit<Applied, 'producersForgotten' | 'lost'>): Measurement['values'] {
  const byReason = Array.from(quarantined, ([reason, count]) => [`quarantined.${reason}`, count] as const)
  return {
    ...counts,
    quarantined: quarantined.values().reduce((sum, count) => sum + count, 0),
    ...Object.fromEntries(byReason),
    ...(unusedValues > 0 && { unusedValues }),
    endToEndDelayMs: heartbeatDelayMs,
  }
}
