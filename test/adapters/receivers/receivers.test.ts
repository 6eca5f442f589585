import { describe, expect, it } from 'vitest'
import { httpPost } from '../../../functions/adapters/receivers/http-post.ts'
import { openPagerDutyReceiver } from '../../../functions/adapters/receivers/pagerduty.ts'
import { openSlackReceiver, slackBody } from '../../../functions/adapters/receivers/slack.ts'
import { openWebhookReceiver, signedHeaders } from '../../../functions/adapters/receivers/webhook.ts'
import type { DueMessage } from '../../../functions/core/incidents/message-due.ts'
import { titleOf } from '../../../functions/core/incidents/message-text.ts'
import type { Post } from '../../../functions/ports/receiver.ts'
import { NOON_MS } from '../../support/factories.ts'
import { serveFolder } from '../../support/file-server.ts'
import { openIncident } from '../../support/incidents.ts'
import { type PagerEvent, servePagerDuty, serveSlack, serveWebhook } from '../../support/receiver-servers.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const ROUTING_KEY = 'a'.repeat(32)
const SECRET = Buffer.from('a key of twenty-four bytes or more')

function messageOf(changes: Partial<DueMessage> = {}): DueMessage {
  return { kind: 'opened', incident: openIncident(), thread: 'a', ...changes }
}

function postOf(messages: readonly DueMessage[] = [messageOf()], changes: Partial<Post> = {}): Post {
  return { id: 'msg_1', atMs: NOON_MS, messages, isSummary: false, isRepeated: false, ...changes }
}

describe('Slack', () => {
  async function open() {
    const clock = { nowMs: NOON_MS }
    const server = await serveSlack(() => clock.nowMs)
    return { clock, server, receiver: openSlackReceiver({ url: server.url, page: 'https://example.org' }) }
  }

  it('takes a message with its sentences and a link, and says when it may be a second copy', async () => {
    const { server, receiver } = await open()
    expect(await receiver.post(postOf(undefined, { isRepeated: true }))).toEqual({ kind: 'sent' })
    const text = JSON.stringify(server.taken)
    expect(text).toContain('New: site stand-1 (Forest) changed, NDVI -0.15 [warning]')
    expect(text).toContain('NDVI of site stand-1 at 62.2, 25.1 is 0.15 below normal for the season.')
    expect(text).toContain('<https://example.org|Open the dashboard>')
    expect(text).toContain('may come a second time')
  })

  it('takes the most messages that a post may have, names of any length, and its special characters', async () => {
    const { server, receiver } = await open()
    const incident = openIncident({ site_id: `<!channel> & ${'long '.repeat(2_000)}` })
    const messages = Array.from({ length: receiver.mostMessages }, () => messageOf({ incident }))
    expect(await receiver.post(postOf(messages, { isSummary: true, isRepeated: true }))).toEqual({ kind: 'sent' })
    const [{ blocks } = { blocks: [] }] = server.taken as { blocks: { text: { type: string; text: string } }[] }[]
    const marked = blocks.filter(({ text: { type } }) => type === 'mrkdwn').map(({ text: { text } }) => text)
    expect(marked.join()).not.toContain('<!channel>')
  })

  it('shortens a header of more characters than Slack takes, and no other', () => {
    const titled = (length: number) => {
      const fixed = titleOf(messageOf({ incident: openIncident({ site_id: '' }) })).length
      return messageOf({ incident: openIncident({ site_id: 's'.repeat(length - fixed) }) })
    }
    const headers = [150, 151].map(length => slackBody(postOf([titled(length)]), null).blocks[0]?.text.text as string)
    expect(headers[0]).toBe(titleOf(titled(150)))
    expect(headers[1]).toBe(`${titleOf(titled(151)).slice(0, 149)}…`)
  })

  it('lists as many incidents of a summary as fit, and the number of the others', async () => {
    const { server, receiver } = await open()
    const messages = Array.from({ length: 300 }, () => messageOf())
    expect(await receiver.post(postOf(messages, { isSummary: true }))).toEqual({ kind: 'sent' })
    expect(JSON.stringify(server.taken)).toContain(`${300 - receiver.mostMessages} more are on the page.`)
  })

  it('asks for a pause when messages come faster than one a second', async () => {
    const { clock, receiver } = await open()
    expect(await receiver.post(postOf())).toEqual({ kind: 'sent' })
    expect(await receiver.post(postOf())).toMatchObject({ kind: 'later', afterMs: 1_000, mayHaveArrived: false })
    clock.nowMs += receiver.gapMs
    expect(await receiver.post(postOf())).toEqual({ kind: 'sent' })
  })
})

describe('PagerDuty', () => {
  async function open() {
    const server = await servePagerDuty()
    const receiver = openPagerDutyReceiver({ url: server.url, routingKey: ROUTING_KEY, page: null })
    return { events: server.taken as unknown as PagerEvent[], receiver }
  }

  it('is triggered and resolved by the thread of an incident', async () => {
    const { events, receiver } = await open()
    const ended = openIncident({ state: 'recovered', closed_at: '2026-11-20T00:00:00.000Z' })
    for (const message of [
      messageOf(),
      messageOf({ kind: 'reminder' }),
      messageOf({ kind: 'acknowledged', acknowledgedBy: 'Ann' }),
      messageOf({ kind: 'ended', incident: ended }),
      messageOf({ kind: 'withdrawn' }),
    ])
      expect(await receiver.post(postOf([message]))).toEqual({ kind: 'sent' })
    expect(events.map(({ event_action }) => event_action)).toEqual([
      'trigger',
      'trigger',
      'acknowledge',
      'resolve',
      'resolve',
    ])
    expect(new Set(events.map(({ dedup_key }) => dedup_key))).toEqual(new Set(['a']))
    expect(events[0]?.payload).toMatchObject({ severity: 'warning', timestamp: '2026-11-04T10:20:00.000Z' })
  })

  it('takes a summary as a separate event, and a text of any length', async () => {
    const { events, receiver } = await open()
    const incident = openIncident({ site_id: 'long '.repeat(1_000) })
    expect(await receiver.post(postOf([messageOf({ incident })]))).toEqual({ kind: 'sent' })
    expect(await receiver.post(postOf([messageOf(), messageOf()], { isSummary: true }))).toEqual({ kind: 'sent' })
    expect(events[1]).toMatchObject({ dedup_key: 'msg_1', payload: { summary: expect.stringContaining('2 new') } })
  })

  it('wakes people only for open incidents of severity warning or worse', async () => {
    const { receiver } = await open()
    const takes = (changes: Parameters<typeof openIncident>[0]) => receiver.takes(openIncident(changes))
    expect([takes({}), takes({ severity: 'error' }), takes({ severity: 'info' })]).toEqual([true, true, false])
    expect(takes({ closed_at: '2026-11-20T00:00:00.000Z' })).toBe(false)
    expect([receiver.isQuiet(messageOf()), receiver.isQuiet(messageOf({ kind: 'ended' }))]).toEqual([false, true])
  })

  it('refuses a wrong key permanently', async () => {
    const server = await servePagerDuty()
    const receiver = openPagerDutyReceiver({ url: server.url, routingKey: 'short', page: null })
    expect(await receiver.post(postOf())).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(/answered 400: .*'routing_key' is invalid/),
    })
  })
})

describe('a webhook', () => {
  it('takes signed posts; one that is sent again has the same id and body', async () => {
    const clock = { nowMs: NOON_MS }
    const server = await serveWebhook(SECRET, () => clock.nowMs)
    const receiver = openWebhookReceiver({ url: server.url, secret: SECRET, now: () => clock.nowMs })
    expect(await receiver.post(postOf())).toEqual({ kind: 'sent' })
    clock.nowMs += 3_600_000
    expect(await receiver.post(postOf(undefined, { isRepeated: true }))).toEqual({ kind: 'sent' })
    const [first, second] = server.requests
    expect(second?.text).toBe(first?.text)
    expect([first, second].map(request => request?.headers['webhook-id'])).toEqual(['msg_1', 'msg_1'])
    expect(server.taken[0]).toMatchObject({
      type: 'incidents.changed',
      timestamp: '2026-11-22T12:00:00.000Z',
      data: { is_summary: false, messages: [{ kind: 'opened', thread: 'a', incident: openIncident() }] },
    })
  })

  it('refuses a wrong key, and is asked again: a key can be corrected', async () => {
    const server = await serveWebhook(SECRET, () => NOON_MS)
    const receiver = openWebhookReceiver({ url: server.url, secret: Buffer.alloc(32), now: () => NOON_MS })
    expect(await receiver.post(postOf())).toMatchObject({ kind: 'later', reason: expect.stringContaining('401') })
  })

  it('has the same signature as the example of Standard Webhooks', () => {
    const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64')
    const headers = signedHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, '{"test": 2432232314}', key)
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })
})

describe('a post over HTTP', () => {
  const open = () => serveSlack(() => Number.POSITIVE_INFINITY)

  it.each([
    [
      { status: 429, headers: { 'Retry-After': '7' } },
      { kind: 'later', afterMs: 7_000, mayHaveArrived: false },
    ],
    [{ status: 429 }, { kind: 'later', afterMs: null, mayHaveArrived: false }],
    [
      { status: 429, headers: { 'Retry-After': '999999' } },
      { kind: 'later', afterMs: 3_600_000 },
    ],
    [
      { status: 429, headers: { 'Retry-After': 'soon' } },
      { kind: 'later', afterMs: null },
    ],
    [
      { status: 503, headers: { 'Retry-After': '30' } },
      { kind: 'later', afterMs: 30_000, mayHaveArrived: true },
    ],
    [{ status: 500 }, { kind: 'later', afterMs: null, mayHaveArrived: true }],
    [{ status: 403 }, { kind: 'later', mayHaveArrived: false }],
    [
      { status: 404, body: 'no_service' },
      { kind: 'later', reason: expect.stringMatching(/answered 404: no_service$/) },
    ],
    [{ status: 410 }, { kind: 'later' }],
    [{ status: 302, headers: { Location: 'http://127.0.0.1:1/' } }, { kind: 'later' }],
    [{ status: 400, body: 'invalid_blocks' }, { kind: 'refused' }],
    [{ status: 413 }, { kind: 'refused' }],
    ['cut' as const, { kind: 'later', afterMs: null, mayHaveArrived: true }],
  ])('that is answered by %j is %j', async (trouble, outcome) => {
    const server = await open()
    server.troubles.push(trouble)
    expect(await httpPost(server.url, '{}', {})).toMatchObject(outcome)
    expect(server.requests).toHaveLength(1)
  })

  it('to a server that answers too slowly may have arrived', async () => {
    const server = await open()
    server.troubles.push('hang')
    const outcome = await httpPost(server.url, '{}', {}, 50)
    expect(outcome).toMatchObject({
      kind: 'later',
      reason: expect.stringContaining('TimeoutError'),
      mayHaveArrived: true,
    })
  })

  it('to a server that no longer listens has not arrived, and the reason does not contain the address', async () => {
    const server = await open()
    await server.close()
    const outcome = await httpPost(server.url, '{}', {})
    expect(outcome).toMatchObject({ kind: 'later', afterMs: null, mayHaveArrived: false })
    expect(JSON.stringify(outcome)).not.toContain('/hook')
  })

  it('waits until the date that an answer names', async () => {
    const { url } = await serveFolder(temporaryFolder(), (_, response) => {
      response.writeHead(429, { 'Retry-After': new Date(Date.now() + 1_800_000).toUTCString() }).end()
      return true
    })
    const outcome = await httpPost(url, '{}', {})
    const waitMs = outcome.kind === 'later' ? (outcome.afterMs ?? 0) : 0
    expect(waitMs).toBeGreaterThan(0)
    expect(waitMs).toBeLessThanOrEqual(1_800_000)
  })
})
