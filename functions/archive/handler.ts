import type { LogRecord } from '../core/record.ts'
import { type BatchResponse, consume, type LogEvent } from '../lambda/decode-event.ts'
import type { Logger } from '../ports/logger.ts'
import type { Measurement, Metrics } from '../ports/metrics.ts'
import { type Archive, archiveDelivery } from './archive.ts'

/** Archive, and what its handler needs to decode deliveries and to report. */
export interface ArchiveHandlerOptions extends Archive {
  streamIdentity: string
  logger: Logger
  metrics: Metrics
  now(): number
}

/**
 * Creates the Lambda handler of the archive, which stores all records of the log as Parquet without end. It is a
 * separate consumer beside the speed layer, with a long batching window, so that there are few files.
 */
export function archiveHandler(options: ArchiveHandlerOptions) {
  const { streamIdentity, logger, metrics, now } = options
  const measure = (lane: string, records: readonly LogRecord[], values: Measurement['values']) => {
    const last = records.at(-1)
    const iteratorAgeMs = last ? now() - last.arrivalMs : null
    metrics.record({ consumer: 'archive', lane, values: { ...values, iteratorAgeMs } })
  }
  return (event: LogEvent): Promise<BatchResponse> =>
    consume(
      event,
      streamIdentity,
      async ({ lane, records }) => {
        const archived = await archiveDelivery(options, lane, records)
        measure(lane, records, { records: records.length, ...archived, deliveriesGivenBack: 0 })
      },
      ({ lane, records }, error) => {
        logger.warn('archive: delivery given back', { lane, records: records.length, error: String(error) })
        measure(lane, records, { deliveriesGivenBack: 1 })
      },
    )
}
