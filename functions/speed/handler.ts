import type { KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda'
import { KINESIS_SUCCESS, kinesisDelivery, kinesisFailureFrom } from '../core/delivery.ts'
import type { Position } from '../core/lane.ts'
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
 *
 * A store that is down gives the whole delivery back by its first record. Throwing would make the mapping cut the
 * delivery in halves, which helps against a record that breaks the code and only adds load to a store that is down.
 */
export function speedHandler(options: SpeedHandlerOptions) {
  const cache: RowCache = new Map()
  return async (event: KinesisStreamEvent): Promise<KinesisStreamBatchResponse> => {
    const { lane, records } = kinesisDelivery(event, options.streamIdentity)
    try {
      const applied = await applyDelivery(options, cache, lane, records)
      options.onApplied?.(lane, applied)
      return KINESIS_SUCCESS
    } catch (error) {
      cache.clear()
      options.logger.warn('speed: delivery given back', { lane, records: records.length, error: String(error) })
      return kinesisFailureFrom(records[0]?.position as Position)
    }
  }
}
