import type { EventBridgeClient, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge'
import type { DueMessage } from '../../core/incidents/message-due.ts'
import { sentencesOf, titleOf } from '../../core/incidents/message-text.ts'
import type { Outcome, Post, Receiver } from '../../ports/receiver.ts'
import { clientOptions } from './aws-client.ts'
import { awsFailure } from './aws-failure.ts'
import { TRY_MS } from './http-post.ts'

/** Source and detail type of the events, for rules of a bus. */
export const INCIDENT_SOURCE = 'landcover'
export const INCIDENT_DETAIL_TYPE = 'Incident changed'

/**
 * Limits of a request: entries, and bytes of all entries together.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
 */
export const EVENTBRIDGE_LIMITS = { entries: 10, bytes: 256 * 1024 }

/** Size of an entry's time as the service counts it, bytes. */
const TIME_BYTES = 14

/** Incidents in one post: twenty requests at most. */
const MOST_MESSAGES = 200

/** Errors of an entry that say that the entry itself is wrong, so that sending it again is of no use. */
const ENTRY_REFUSED = ['InvalidArgument', 'MalformedDetail']

/** Options of a bus. */
export interface EventBridgeOptions {
  /** Name or ARN. */
  bus: string
  /** Region of the bus; null for that of the environment. */
  region: string | null
  /** Address other than AWS's own, such as LocalStack's. */
  endpoint?: string
  /** Time limit of a try, ms. */
  tryMs?: number
}

/**
 * Opens an event bus of Amazon EventBridge: an event for each message. `detail.id` of an event that is sent again is the
 * same, so that programs can drop copies. Credentials are those that the AWS SDK finds.
 */
export function openEventBridgeReceiver({ bus, region, endpoint, tryMs = TRY_MS }: EventBridgeOptions): Receiver {
  // Loaded at the first post: a system without a bus starts without it.
  let client: Promise<EventBridgeClient> | undefined
  const open = async () => {
    const { EventBridgeClient: Client } = await import('@aws-sdk/client-eventbridge')
    return new Client({ maxAttempts: 2, ...(region !== null && { region }), ...clientOptions(tryMs, endpoint) })
  }
  const put = async (entries: readonly PutEventsRequestEntry[], abortSignal: AbortSignal) => {
    client ??= open()
    const { PutEventsCommand } = await import('@aws-sdk/client-eventbridge')
    const { Entries = [] } = await (await client).send(new PutEventsCommand({ Entries: [...entries] }), { abortSignal })
    return Entries
  }
  /** Entries of the newest post that the bus has taken: a post that is sent again leaves them out. */
  let taken = { post: '', entries: new Set<number>() }
  return {
    mostMessages: MOST_MESSAGES,
    digestHour: null,
    gapMs: 0,
    isQuiet: () => false,
    takes: () => true,
    async post(post) {
      if (taken.post !== post.id) taken = { post: post.id, entries: new Set() }
      return send(put, entriesOf(post, bus), taken.entries, AbortSignal.timeout(tryMs))
    },
  }
}

/** Events of a post, one for each message. */
export function entriesOf({ id, atMs, messages }: Post, bus: string): PutEventsRequestEntry[] {
  return messages.map((message, index) => ({
    EventBusName: bus,
    Source: INCIDENT_SOURCE,
    DetailType: INCIDENT_DETAIL_TYPE,
    Time: new Date(atMs),
    Detail: JSON.stringify(detailOf(message, `${id}.${index}`)),
  }))
}

function detailOf(message: DueMessage, id: string) {
  const { kind, thread, incident } = message
  return { id, kind, thread, title: titleOf(message), text: sentencesOf(message).join(' '), incident }
}

type Put = (
  entries: readonly PutEventsRequestEntry[],
  signal: AbortSignal,
) => Promise<{ ErrorCode?: string | undefined; ErrorMessage?: string | undefined }[]>

/** Sends the entries that are not taken yet, in as many requests as they need. A request may take a part of its entries. */
async function send(
  put: Put,
  entries: readonly PutEventsRequestEntry[],
  taken: Set<number>,
  signal: AbortSignal,
): Promise<Outcome> {
  const refused: string[] = []
  let waiting: string | null = null
  const later = (reason: string, mayHaveArrived: boolean): Outcome => ({
    ...{ kind: 'later', reason, afterMs: null },
    mayHaveArrived: mayHaveArrived || taken.size > 0,
  })
  for (const request of requestsOf(entries, taken)) {
    if (request.bytes >= EVENTBRIDGE_LIMITS.bytes) {
      refused.push(`an event of ${request.bytes} bytes is too large for EventBridge`)
      continue
    }
    try {
      const results = await put(
        request.places.map(place => entries[place] as PutEventsRequestEntry),
        signal,
      )
      for (const [index, { ErrorCode, ErrorMessage }] of results.entries()) {
        const reason = `EventBridge refused an event: ${ErrorCode}: ${ErrorMessage}`
        if (ErrorCode === undefined) taken.add(request.places[index] as number)
        else if (ENTRY_REFUSED.includes(ErrorCode)) refused.push(reason)
        else waiting ??= reason
      }
    } catch (error) {
      const { reason, mayHaveArrived } = awsFailure('EventBridge', error)
      return later(reason, mayHaveArrived)
    }
  }
  if (waiting !== null) return later(waiting, false)
  const [reason] = refused
  if (reason === undefined) return { kind: 'sent' }
  if (taken.size === 0) return { kind: 'refused', reason }
  return { kind: 'sent', note: `${refused.length} of ${entries.length} events were refused: ${reason}` }
}

/** Groups the indexes of entries into requests within the limits. An entry that is too large gets its own request. */
function requestsOf(
  entries: readonly PutEventsRequestEntry[],
  taken: ReadonlySet<number>,
): { places: number[]; bytes: number }[] {
  const requests: { places: number[]; bytes: number }[] = []
  for (const [place, { Source = '', DetailType = '', Detail = '' }] of entries.entries()) {
    if (taken.has(place)) continue
    const bytes = TIME_BYTES + Buffer.byteLength(Source + DetailType + Detail)
    const last = requests.at(-1)
    const fits =
      last && last.places.length < EVENTBRIDGE_LIMITS.entries && last.bytes + bytes < EVENTBRIDGE_LIMITS.bytes
    if (last && fits) {
      last.places.push(place)
      last.bytes += bytes
    } else requests.push({ places: [place], bytes })
  }
  return requests
}
