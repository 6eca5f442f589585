import { DAY_MS } from './time.ts'

/**
 * Time for which the speed layer keeps rows and unusual images. It is well above the 7 days for which the log keeps
 * records: while the batch layer is stuck, the rows are the only answer.
 */
export const SPEED_RETENTION_MS = 28 * DAY_MS
