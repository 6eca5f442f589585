import type { KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda'
import { KINESIS_SUCCESS, kinesisDelivery, kinesisFailureFrom } from '../core/delivery.ts'
import type { Position } from '../core/lane.ts'
import type { Logger } from '../ports/logger.ts'
import { type Archive, archiveDelivery } from './archive.ts'

export interface ArchiveHandlerOptions extends Archive {
  streamIdentity: string
  logger: Logger
}

/**
 * The archive: keeps all that the log delivers as Parquet, for ever. A consumer of its own beside the speed layer,
 * with a long batching window, so that files stay few.
 */
export function archiveHandler(options: ArchiveHandlerOptions) {
  return async (event: KinesisStreamEvent): Promise<KinesisStreamBatchResponse> => {
    const { lane, records } = kinesisDelivery(event, options.streamIdentity)
    try {
      await archiveDelivery(options, lane, records)
      return KINESIS_SUCCESS
    } catch (error) {
      options.logger.warn('archive: delivery given back', { lane, records: records.length, error: String(error) })
      return kinesisFailureFrom(records[0]?.position as Position)
    }
  }
}
