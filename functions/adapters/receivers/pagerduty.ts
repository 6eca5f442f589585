import { isAtLeast } from '../../core/incidents/delivery.ts'
import type { MessageKind } from '../../core/incidents/message-due.ts'
import { countsOf, sentencesOf, titleOf } from '../../core/incidents/message-text.ts'
import { formatTimestamp } from '../../core/time.ts'
import type { Post, Receiver } from '../../ports/receiver.ts'
import { httpPost } from './http-post.ts'

/**
 * Limits of the Events API v2, characters.
 *
 * @see https://developer.pagerduty.com/docs/send-alert-event
 */
export const PAGERDUTY_LIMITS = { summaryCharacters: 1_024, dedupKeyCharacters: 255 }

/** Options of a service of PagerDuty. */
export interface PagerDutyOptions {
  /** Address of the Events API. */
  url: string
  /** Key of the service's integration. */
  routingKey: string
  page: string | null
}

/** Messages that resolve an event, and all messages that wake nobody. */
const ENDS: readonly MessageKind[] = ['ended', 'withdrawn']
const QUIET: readonly MessageKind[] = [...ENDS, 'acknowledged']

/**
 * Opens a service of PagerDuty: an event for each incident of severity warning or worse. The thread is the dedup key,
 * so an event that comes again changes nothing.
 */
export function openPagerDutyReceiver({ url, routingKey, page }: PagerDutyOptions): Receiver {
  return {
    mostMessages: 1,
    digestHour: null,
    gapMs: 0,
    isQuiet: ({ kind, incident }) => QUIET.includes(kind) || incident.closed_at !== null,
    takes: ({ severity, closed_at }) => closed_at === null && isAtLeast(severity, 'warning'),
    post: post => httpPost(url, JSON.stringify(pagerDutyBody(post, routingKey, page)), {}),
  }
}

/** Body of an event. A summary triggers a separate event, which a person resolves. */
export function pagerDutyBody(post: Post, routingKey: string, page: string | null) {
  const [message] = post.messages
  if (!message) throw new RangeError('a post without messages')
  const { kind, incident, thread } = message
  if (!post.isSummary && (ENDS.includes(kind) || incident.closed_at !== null)) {
    return { routing_key: routingKey, event_action: 'resolve', dedup_key: thread }
  }
  if (!post.isSummary && kind === 'acknowledged') {
    return { routing_key: routingKey, event_action: 'acknowledge', dedup_key: thread }
  }
  const summary = post.isSummary
    ? `landcover, more than 20 events in an hour: ${countsOf(post.messages)}`
    : titleOf(message)
  return {
    routing_key: routingKey,
    event_action: 'trigger',
    dedup_key: post.isSummary ? post.id : thread,
    client: 'landcover',
    ...(page !== null && { client_url: page }),
    payload: {
      summary: summary.slice(0, PAGERDUTY_LIMITS.summaryCharacters),
      source: 'landcover',
      severity: post.isSummary ? 'warning' : incident.severity,
      timestamp: post.isSummary ? formatTimestamp(post.atMs) : incident.opened_at,
      ...(!post.isSummary && { group: incident.class_name, class: incident.kind }),
      custom_details: post.isSummary
        ? { incidents: post.messages.map(each => titleOf(each)).slice(0, 100) }
        : { text: sentencesOf(message).join(' '), incident },
    },
  }
}
