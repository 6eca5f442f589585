import { type BatchResponse, consume, type LogEvent } from '../core/delivery.ts'
import type { Logger } from '../ports/logger.ts'
import { type Applied, applyDelivery, type RowCache, type SpeedLayer } from './apply.ts'

export interface SpeedHandlerOptions extends SpeedLayer {
  streamIdentity: string
  logger: Logger
  onApplied?(lane: string, applied: Applied): void
}

/**
 * The speed layer: adds what the log delivers to the rows that the API reads, and raises alerts. Triggered by the
 * event source mapping of the stream.
 */
export function speedHandler(options: SpeedHandlerOptions) {
  const cache: RowCache = new Map()
  return (event: LogEvent): Promise<BatchResponse> =>
    consume(
      event,
      options.streamIdentity,
      async ({ lane, records }) => {
        const applied = await applyDelivery(options, cache, lane, records)
        options.onApplied?.(lane, applied)
      },
      ({ lane, records }, error) => {
        cache.clear()
        options.logger.warn('speed: delivery given back', { lane, records: records.length, error: String(error) })
      },
    )
}
