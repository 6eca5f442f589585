import { openEmailReceiver } from '../adapters/receivers/email.ts'
import { openEventBridgeReceiver } from '../adapters/receivers/eventbridge.ts'
import { openPagerDutyReceiver } from '../adapters/receivers/pagerduty.ts'
import { openSesReceiver } from '../adapters/receivers/ses.ts'
import { openSlackReceiver } from '../adapters/receivers/slack.ts'
import { openSnsReceiver } from '../adapters/receivers/sns.ts'
import { openWebhookReceiver } from '../adapters/receivers/webhook.ts'
import type { Receiver } from '../ports/receiver.ts'
import type { AlertsSettings, ReceiverSettings } from './config/alerts.ts'

/** Opens the receivers of a configuration. Nothing is sent yet. */
export function openReceivers({ receivers, page }: Pick<AlertsSettings, 'receivers' | 'page'>): Map<string, Receiver> {
  return new Map(Array.from(receivers, ([name, settings]) => [name, openReceiver(settings, page)]))
}

function openReceiver(settings: ReceiverSettings, page: string | null): Receiver {
  switch (settings.type) {
    case 'slack':
      return openSlackReceiver({ ...settings, page })
    case 'pagerduty':
      return openPagerDutyReceiver({ ...settings, page })
    case 'webhook':
      return openWebhookReceiver({ ...settings, now: Date.now })
    case 'email':
      return openEmailReceiver({ ...settings, page })
    case 'ses':
      return openSesReceiver({ ...settings, page })
    case 'sns':
      return openSnsReceiver({ ...settings, page })
    case 'eventbridge':
      return openEventBridgeReceiver(settings)
  }
}
