import { appendFile } from 'node:fs/promises'
import type { AlertChannel } from '../../ports/alert-channel.ts'
import { alertMessage } from './alert-message.ts'

/** Appends alerts to a file, one JSON object a line: `tail -f` it, or feed it to anything. */
export function openFileAlertChannel(file: string): AlertChannel {
  return {
    async publish(alerts) {
      if (alerts.length === 0) return
      const lines = alerts.map(alert => JSON.stringify(alertMessage(alert)))
      await appendFile(file, `${lines.join('\n')}\n`)
    },
  }
}
