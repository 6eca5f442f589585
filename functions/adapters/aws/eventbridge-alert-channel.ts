import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge'
import type { UnusualImage } from '../../core/unusual-image.ts'
import type { AlertChannel } from '../../ports/alert-channel.ts'
import { alertMessage } from '../files/alert-message.ts'
import { inParallel } from '../in-parallel.ts'
import { limitedRequests } from './requests.ts'

export const ALERT_SOURCE = 'landcover'
export const ALERT_DETAIL_TYPE = 'Vegetation anomaly'

/** @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
const MAX_ENTRIES = 10
/** Time limit for sending, ms. Many alerts must not delay the speed layer. */
const CALLS_IN_FLIGHT = 8

/**
 * Creates a channel to an EventBridge bus, with one event for each alert. Rules of the bus pass them on to SNS, queues,
 * functions or other accounts.
 *
 * @param bus name or ARN
 */
export function openEventBridgeAlertChannel(bus: string): AlertChannel {
  const requestHandler = limitedRequests(3_000, 10_000)
  const client = new EventBridgeClient({ requestHandler })

  async function put(alerts: readonly UnusualImage[]): Promise<void> {
    const Entries = alerts.map(
      (alert): PutEventsRequestEntry => ({
        EventBusName: bus,
        Source: ALERT_SOURCE,
        DetailType: ALERT_DETAIL_TYPE,
        Time: new Date(alert.eventMs),
        Detail: JSON.stringify(alertMessage(alert)),
      }),
    )
    const answer = await client.send(new PutEventsCommand({ Entries }))
    // Accepted alerts are sent again with the delivery; receivers drop copies.
    const refused = answer.Entries?.find(({ ErrorCode }) => ErrorCode)
    if (refused) throw new Error(`EventBridge refused an alert: ${refused.ErrorCode}: ${refused.ErrorMessage}`)
  }

  return {
    async publish(alerts) {
      const starts = Array.from({ length: Math.ceil(alerts.length / MAX_ENTRIES) }, (_, call) => call * MAX_ENTRIES)
      await inParallel(starts, CALLS_IN_FLIGHT, start => put(alerts.slice(start, start + MAX_ENTRIES)))
    },
  }
}
