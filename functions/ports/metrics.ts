import type { RejectionReason } from '../core/record.ts'

/** What is measured of a delivery. Names that end in `Ms` are times in ms, all others are counts. */
export type MetricName =
  /** Records of the delivery. */
  | 'records'
  /** Records among them that were copies, or applied already. */
  | 'skippedRecords'
  /** Events that were added to totals. */
  | 'counted'
  /** Events among them that were late. */
  | 'late'
  /** Pieces of records that were refused, in all and by their reason. */
  | 'quarantined'
  | `quarantined.${RejectionReason}`
  /** Records that the log removed before they were read; only where there were any. */
  | 'lost'
  | 'alerts'
  | 'rowsWritten'
  /** Files written to the archive, and the events in them. */
  | 'files'
  | 'events'
  /** 1 for a delivery that was given back, 0 for one that was not. */
  | 'deliveriesGivenBack'
  /** How long the delivery took. */
  | 'applyMs'
  /** From the sending of the delivery's last heartbeat until it was applied. */
  | 'endToEndDelayMs'
  /** Age of the delivery's last record at the end, since the log received it. */
  | 'iteratorAgeMs'
  /** How long before the end of a batch run the slots end that its view covers. */
  | 'cutAgeMs'

/** What one delivery, or one batch run, came to. */
export interface Measurement {
  /** Who did the work. */
  consumer: 'speed' | 'archive' | 'batch'
  /** Of a delivery. */
  lane?: string
  /** Null: was not measured. */
  values: Readonly<Partial<Record<MetricName, number | null>>>
}

/** Takes figures about the work: identities and counts, never an event's or a record's content. */
export interface Metrics {
  /** Never throws: what cannot be noted is lost, and the work goes on. */
  record(measurement: Measurement): void
}
