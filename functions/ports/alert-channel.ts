import type { Alert } from '../core/alert.ts'

/** Tells the outside world of anomalies: each at least once, so receivers drop copies by the alert's key. */
export interface AlertChannel {
  publish(alerts: readonly Alert[]): Promise<void>
}
