import { createHmac } from 'node:crypto'
import { sentencesOf, titleOf } from '../../core/incidents/message-text.ts'
import { formatTimestamp, SECOND_MS } from '../../core/time.ts'
import type { Post, Receiver } from '../../ports/receiver.ts'
import { httpPost } from './http-post.ts'

/** Options of a program that takes messages over HTTP. */
export interface WebhookOptions {
  url: string
  /** Key of the signatures. */
  secret: Uint8Array
  now(): number
}

/** Incidents in one body: about 100 KB. */
const MOST_MESSAGES = 200

/** Opens a program that takes messages over HTTP, signed as Standard Webhooks says. */
export function openWebhookReceiver({ url, secret, now }: WebhookOptions): Receiver {
  return {
    mostMessages: MOST_MESSAGES,
    digestHour: null,
    gapMs: 0,
    isQuiet: () => false,
    takes: () => true,
    post(post) {
      const body = JSON.stringify(webhookBody(post))
      return httpPost(url, body, signedHeaders(post.id, Math.floor(now() / SECOND_MS), body, secret))
    },
  }
}

/** Body of a post. A post that is sent again has the same body. */
export function webhookBody({ atMs, messages, isSummary }: Post) {
  return {
    type: 'incidents.changed',
    timestamp: formatTimestamp(atMs),
    data: {
      is_summary: isSummary,
      messages: messages.map(message => ({
        kind: message.kind,
        thread: message.thread,
        title: titleOf(message),
        text: sentencesOf(message).join(' '),
        incident: message.incident,
      })),
    },
  }
}

/**
 * Headers that show a receiver who sent a body and when, and whether it is a copy.
 *
 * @param timestamp seconds since 1970
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signedHeaders(id: string, timestamp: number, body: string, secret: Uint8Array) {
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  }
}
