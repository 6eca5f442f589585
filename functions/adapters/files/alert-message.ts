import { fromMicro } from '../../core/fixed-point.ts'
import { formatTimestamp } from '../../core/time.ts'
import type { UnusualImage } from '../../core/unusual-image.ts'

/** Converts an alert to the message for receivers, with the field names of the API. */
export function alertMessage(alert: UnusualImage): Record<string, string | number> {
  return {
    class_name: alert.className,
    image_id: alert.imageId,
    timestamp: formatTimestamp(alert.eventMs),
    ndvi_mean: fromMicro(alert.ndviMean),
    rule: alert.rule,
    score: alert.score,
    baseline_version: alert.baselineVersion,
  }
}
