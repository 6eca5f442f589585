import { MINUTE_MS } from '../core/time.ts'

/** Size of a consumer's deliveries. Event source mappings on AWS and the poller of one machine both keep to it. */
export interface Batching {
  /** Maximum number of records in a delivery. */
  batchSize: number
  /** Maximum time to wait for a full delivery once there is a record, ms. */
  batchingWindowMs: number
}

/** The speed layer takes records as they come. */
export const SPEED_BATCHING: Batching = { batchSize: 1_000, batchingWindowMs: 0 }

/** Maximum that Lambda allows. */
const MAX_WINDOW_MS = 5 * MINUTE_MS

/** The archive waits for many records, so that it writes few files; not long beside a slot, so that slots end soon. */
export function archiveBatching(slotMs: number): Batching {
  return { batchSize: 10_000, batchingWindowMs: Math.min(slotMs / 4, MAX_WINDOW_MS) }
}
