import { type BatchResponse, consume, type LogEvent } from '../core/delivery.ts'
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
  return (event: LogEvent): Promise<BatchResponse> =>
    consume(
      event,
      options.streamIdentity,
      ({ lane, records }) => archiveDelivery(options, lane, records),
      ({ lane, records }, error) => {
        options.logger.warn('archive: delivery given back', { lane, records: records.length, error: String(error) })
      },
    )
}
