import { appendFile } from 'node:fs/promises'
import type { AlertChannel } from '../../ports/alert-channel.ts'
import { alertMessage } from './alert-message.ts'

/** Channel that appends alerts to a file, one JSON object on each line. */
export function openFileAlertChannel(file: string): AlertChannel {
  return {
    async publish(alerts) {
      if (alerts.length === 0) return
      const lines = alerts.map(alert => JSON.stringify(alertMessage(alert)))
      await appendFile(file, `${lines.join('\n')}\n`)
    },
  }
}
