import type { RejectionReason } from '../core/record.ts'

/** Names of the measured values. Names that end in `Ms` are times in ms, all others are counts. */
export type MetricName =
  /** Records of the delivery. */
  | 'records'
  /** Records of the delivery that were copies or already applied. */
  | 'skippedRecords'
  /** Events that were added to totals. */
  | 'counted'
  /** Counted events that were late. */
  | 'late'
  /** Optional values of counted events that cannot be used and mean "not measured"; only when there were any. */
  | 'unusedValues'
  /** Rejections: lines or whole records that were quarantined, in total and by reason. */
  | 'quarantined'
  | `quarantined.${RejectionReason}`
  /** Records that the log removed before they were read; only present when there were any. */
  | 'lost'
  | 'alerts'
  | 'rowsWritten'
  /** Files written to the archive, and the number of their events. */
  | 'files'
  | 'events'
  /** 1 for a delivery that was given back, 0 for one that was not. */
  | 'deliveriesGivenBack'
  /** Duration of the delivery. */
  | 'applyMs'
  /** Time from the sending of the delivery's last heartbeat until it was applied. */
  | 'endToEndDelayMs'
  /** Age of the delivery's last record at the end, since the log received it. */
  | 'iteratorAgeMs'
  /** Age of the cut at the end of a batch run. */
  | 'cutAgeMs'
  /** Time for which slots wait to be compacted. */
  | 'compactionBehindMs'
  /** Time for which the oldest post waits that a receiver has not taken; 0 when none waits. */
  | 'untoldMs'

/** Measured values of one delivery, one batch run, one compaction or one round of telling. */
export interface Measurement {
  /** Component that did the work. */
  consumer: 'speed' | 'archive' | 'batch' | 'compaction' | 'notifier'
  /** Lane of a delivery; absent for the others. */
  lane?: string
  /** Measured values; null means "not measured". */
  values: Readonly<Partial<Record<MetricName, number | null>>>
}

/** Receiver of measurements: identities and counts, never the content of an event or record. */
export interface Metrics {
  /** Records a measurement. Never throws: a measurement that cannot be written is lost, and the work continues. */
  record(measurement: Measurement): void
}
