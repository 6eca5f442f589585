import type { Alert } from '../core/alert.ts'

/**
 * Channel that sends alerts to other systems. Each alert is sent at least once; receivers drop copies by the alert's
 * key.
 */
export interface AlertChannel {
  publish(alerts: readonly Alert[]): Promise<void>
}
