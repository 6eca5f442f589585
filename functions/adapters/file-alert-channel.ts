import { appendFile } from 'node:fs/promises'
import { fromMicro } from '../core/fixed-point.ts'
import { formatTimestamp } from '../core/time.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'

/** Appends alerts to a file, one JSON object a line: `tail -f` it, or feed it to anything. */
export function openFileAlertChannel(file: string): AlertChannel {
  return {
    async publish(alerts) {
      if (alerts.length === 0) return
      const lines = alerts.map(alert =>
        JSON.stringify({
          class_name: alert.className,
          image_id: alert.imageId,
          timestamp: formatTimestamp(alert.eventMs),
          ndvi_mean: fromMicro(alert.ndviMean),
          rule: alert.rule,
          score: alert.score,
          baseline_version: alert.baselineVersion,
        }),
      )
      await appendFile(file, `${lines.join('\n')}\n`)
    },
  }
}
