import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Answer of a server that is not its usual one, once. `hang` answers nothing, `cut` closes the connection. */
export type Trouble = { status: number; headers?: Record<string, string>; body?: string } | 'hang' | 'cut'

/** Server of a receiver, with what it has taken. */
export interface ReceiverServer {
  url: string
  /** Bodies of JSON that were accepted, in order. */
  taken: Record<string, unknown>[]
  /** Requests that came, accepted or not. */
  requests: { headers: IncomingMessage['headers']; text: string }[]
  /** Troubles that come next, one for each request. */
  troubles: Trouble[]
  /** Ends the server, so that its address is gone. */
  close(): Promise<void>
}

interface Answer {
  status: number
  headers?: Record<string, string>
  body: string
}

/** Starts a server that answers posts as `answer` says; null accepts with 200. It ends with the test. */
async function serve(answer: (text: string, request: IncomingMessage) => Answer): Promise<ReceiverServer> {
  const found: Omit<ReceiverServer, 'url' | 'close'> = { taken: [], requests: [], troubles: [] }
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', part => (text += part))
    request.on('end', () => {
      found.requests.push({ headers: request.headers, text })
      const trouble = found.troubles.shift()
      if (trouble !== undefined) return make(trouble, response)
      const { status, headers, body } = answer(text, request)
      if (status < 300 && text.startsWith('{')) found.taken.push(JSON.parse(text))
      response.writeHead(status, headers).end(body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  onTestFinished(close)
  return { ...found, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, close }
}

function make(trouble: Trouble, response: ServerResponse): void {
  if (trouble === 'hang') return
  if (trouble === 'cut') return void response.socket?.destroy()
  response.writeHead(trouble.status, trouble.headers).end(trouble.body)
}

/**
 * Starts an incoming webhook as Slack describes it: one message a second, then 429 with Retry-After; bodies over the
 * limits of blocks are refused with 400.
 *
 * @param now clock by which it limits, ms
 */
export function serveSlack(now: () => number): Promise<ReceiverServer> {
  let lastMs = Number.NEGATIVE_INFINITY
  return serve(text => {
    if (now() - lastMs < 1_000) return { status: 429, headers: { 'Retry-After': '1' }, body: 'rate_limited' }
    const fault = faultOfSlack(JSON.parse(text))
    if (fault) return { status: 400, body: fault }
    lastMs = now()
    return { status: 200, body: 'ok' }
  })
}

interface SlackBlock {
  type: string
  text: { type: string; text: string }
}

function faultOfSlack({ text, blocks }: { text?: string; blocks?: SlackBlock[] }): string | null {
  if (!text) return 'no_text'
  if (!blocks || blocks.length < 1 || blocks.length > 50) return 'invalid_blocks'
  for (const { type, text: inner } of blocks) {
    const most = type === 'header' ? 150 : 3_000
    if (inner.text.length < 1 || inner.text.length > most) return 'invalid_blocks'
    if ((type === 'header') !== (inner.type === 'plain_text')) return 'invalid_blocks'
    if (inner.type === 'mrkdwn' && /&(?!amp;|lt;|gt;)/.test(inner.text)) return 'invalid_blocks'
  }
  return null
}

/** Event as PagerDuty knows it. */
export interface PagerEvent {
  routing_key: string
  event_action: string
  dedup_key: string
  payload?: { summary: string; severity: string; source: string; timestamp: string }
}

/** Starts an Events API v2 as PagerDuty describes it: 202, or 400 with the errors of the body. */
export function servePagerDuty(): Promise<ReceiverServer> {
  return serve(text => {
    const errors = faultsOfPagerDuty(JSON.parse(text))
    return errors.length === 0
      ? { status: 202, body: JSON.stringify({ status: 'success', message: 'Event processed' }) }
      : { status: 400, body: JSON.stringify({ status: 'invalid event', errors }) }
  })
}

function faultsOfPagerDuty({ routing_key, event_action, dedup_key, payload }: PagerEvent): string[] {
  const faults: string[] = []
  if (!/^[a-z0-9]{32}$/.test(routing_key ?? '')) faults.push("'routing_key' is invalid")
  if (!['trigger', 'acknowledge', 'resolve'].includes(event_action)) faults.push("'event_action' is invalid")
  if (typeof dedup_key !== 'string' || dedup_key.length > 255) faults.push("'dedup_key' is invalid")
  if (event_action !== 'trigger') return faults
  if (!payload?.summary || payload.summary.length > 1_024) faults.push("'payload.summary' is invalid")
  if (!payload?.source) faults.push("'payload.source' is missing")
  if (!['critical', 'error', 'warning', 'info'].includes(payload?.severity ?? '')) faults.push("'payload.severity'")
  if (Number.isNaN(Date.parse(payload?.timestamp ?? ''))) faults.push("'payload.timestamp'")
  return faults
}

/** Starts a program that checks signatures as Standard Webhooks says: 401 for wrong ones, and old times. */
export function serveWebhook(secret: Uint8Array, now: () => number): Promise<ReceiverServer> {
  return serve((text, { headers }) => {
    const [id, time] = [headers['webhook-id'], headers['webhook-timestamp']]
    const expected = createHmac('sha256', secret).update(`${id}.${time}.${text}`).digest()
    const given = Buffer.from(/^v1,(.+)$/.exec(String(headers['webhook-signature']))?.[1] ?? '', 'base64')
    const isSigned = given.length === expected.length && timingSafeEqual(given, expected)
    const isFresh = Math.abs(now() / 1_000 - Number(time)) <= 300
    return isSigned && isFresh ? { status: 204, body: '' } : { status: 401, body: 'bad signature' }
  })
}

/** Event as a rule of a bus gets it. */
export interface BusEvent {
  EventBusName: string
  Source: string
  DetailType: string
  Detail: string
}

/** Starts the API of EventBridge as AWS describes it: at most 10 entries and 256 KB in a request, each taken or not. */
export async function serveEventBridge(): Promise<
  ReceiverServer & { events: BusEvent[]; entryErrors: (string | null)[] }
> {
  const events: BusEvent[] = []
  /** Error codes of the entries that come next; null takes one. */
  const entryErrors: (string | null)[] = []
  const server = await serve((text, { headers }) => {
    const { Entries } = JSON.parse(text) as { Entries: (BusEvent & { Time: number })[] }
    const bytes = Entries.reduce(
      (sum, each) => sum + 14 + Buffer.byteLength(each.Source + each.DetailType + each.Detail),
      0,
    )
    const isRight = headers['x-amz-target'] === 'AWSEvents.PutEvents' && Entries.length >= 1 && Entries.length <= 10
    if (!isRight || bytes >= 256 * 1024 || Entries.some(({ Time }) => typeof Time !== 'number')) {
      return { status: 400, body: JSON.stringify({ __type: 'ValidationException', message: 'too many or too large' }) }
    }
    const results = Entries.map(entry => {
      const error = entryErrors.shift() ?? null
      if (error !== null) return { ErrorCode: error, ErrorMessage: 'as the test says' }
      events.push(entry)
      return { EventId: 'an-id' }
    })
    const FailedEntryCount = results.filter(result => 'ErrorCode' in result).length
    return { status: 200, body: JSON.stringify({ FailedEntryCount, Entries: results }) }
  })
  return { ...server, events, entryErrors }
}

/** Mail as the API of SES gets it. */
export interface SesMail {
  FromEmailAddress: string
  Destination: { ToAddresses: string[] }
  Content: { Simple: { Subject: { Data: string }; Body: { Text: { Data: string } } } }
}

/** Starts the API v2 of SES as AWS describes it, with senders that are verified. */
export async function serveSes(verified: readonly string[]) {
  const mails: SesMail[] = []
  const server = await serve(text => {
    const mail = JSON.parse(text) as SesMail
    if (!verified.includes(mail.FromEmailAddress)) {
      const body = JSON.stringify({ __type: 'MessageRejected', message: 'Email address is not verified.' })
      return { status: 400, headers: { 'x-amzn-ErrorType': 'MessageRejected' }, body }
    }
    mails.push(mail)
    return { status: 200, body: JSON.stringify({ MessageId: 'an-id' }) }
  })
  return { ...server, mails, origin: new URL(server.url).origin }
}

/** Starts the API of SNS as AWS describes it: a subject of 100 characters of ASCII, and a text of 256 KB. */
export async function serveSns() {
  const notices: { TopicArn: string; Subject: string; Message: string }[] = []
  const server = await serve(text => {
    const form = new URLSearchParams(text)
    const [TopicArn, Subject, Message] = ['TopicArn', 'Subject', 'Message'].map(name => form.get(name) ?? '') as [
      string,
      string,
      string,
    ]
    if (!/^[\x20-\x7e]{1,100}$/.test(Subject) || Message === '' || Buffer.byteLength(Message) > 256 * 1024) {
      const error = '<Error><Code>InvalidParameter</Code><Message>too long</Message></Error>'
      return { status: 400, body: `<ErrorResponse>${error}</ErrorResponse>` }
    }
    notices.push({ TopicArn, Subject, Message })
    const result = '<PublishResult><MessageId>an-id</MessageId></PublishResult>'
    return { status: 200, body: `<PublishResponse>${result}</PublishResponse>` }
  })
  return { ...server, notices, origin: new URL(server.url).origin }
}
