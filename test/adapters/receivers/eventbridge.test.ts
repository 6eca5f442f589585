import { beforeEach, describe, expect, it, vi } from 'vitest'
import { EVENTBRIDGE_LIMITS, openEventBridgeReceiver } from '../../../functions/adapters/receivers/eventbridge.ts'
import type { DueMessage } from '../../../functions/core/incidents/message-due.ts'
import type { Post } from '../../../functions/ports/receiver.ts'
import { NOON_MS } from '../../support/factories.ts'
import { openIncident } from '../../support/incidents.ts'
import { serveEventBridge } from '../../support/receiver-servers.ts'

function postOf(count: number, changes: Partial<Post> = {}, siteId = 'stand-1'): Post {
  const messages = Array.from(
    { length: count },
    (_, at): DueMessage => ({ kind: 'opened', incident: openIncident({ site_id: siteId }), thread: `thread-${at}` }),
  )
  return { id: 'msg_1', atMs: NOON_MS, messages, isSummary: false, isRepeated: false, ...changes }
}

async function open(tryMs?: number) {
  const server = await serveEventBridge()
  const settings = { bus: 'landcover-test', region: 'eu-central-1', ...(tryMs && { tryMs }) }
  const receiver = openEventBridgeReceiver({ ...settings, endpoint: new URL(server.url).origin })
  const details = () => server.events.map(({ Detail }) => JSON.parse(Detail) as { id: string; thread: string })
  return { server, receiver, details }
}

describe('a bus of EventBridge', () => {
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
    return () => vi.unstubAllEnvs()
  })

  it('gets an event for each message, with the incident and a text', async () => {
    const { server, receiver } = await open()
    expect(await receiver.post(postOf(1))).toEqual({ kind: 'sent' })
    expect(server.events).toHaveLength(1)
    const [event] = server.events
    expect(event).toMatchObject({ EventBusName: 'landcover-test', Source: 'landcover', DetailType: 'Incident changed' })
    expect(JSON.parse(event?.Detail ?? '')).toMatchObject({
      ...{ id: 'msg_1.0', kind: 'opened', thread: 'thread-0', incident: openIncident() },
      title: 'New: site stand-1 (Forest) changed, NDVI -0.15 [warning]',
      text: expect.stringContaining('NDVI of site stand-1 at 62.2, 25.1 is 0.15 below normal for the season.'),
    })
  })

  it('gets posts of any number of messages, in requests of ten', async () => {
    const { server, receiver, details } = await open()
    expect(await receiver.post(postOf(receiver.mostMessages + 5, { isSummary: true }))).toEqual({ kind: 'sent' })
    expect(details().map(({ thread }) => thread)).toEqual(
      Array.from({ length: receiver.mostMessages + 5 }, (_, at) => `thread-${at}`),
    )
    expect(server.requests).toHaveLength(Math.ceil((receiver.mostMessages + 5) / EVENTBRIDGE_LIMITS.entries))
  })

  it('gets large events in several requests, each within the limit', async () => {
    const { server, receiver } = await open()
    // The name is in the title, in the text and in the incident: an event of 120 KB and more.
    expect(await receiver.post(postOf(4, {}, 'ä'.repeat(20_000)))).toEqual({ kind: 'sent' })
    expect([server.events.length, server.requests.length]).toEqual([4, 2])
  })

  it('refuses permanently an event that is too large by itself', async () => {
    const { server, receiver } = await open()
    expect(await receiver.post(postOf(1, {}, 'a'.repeat(EVENTBRIDGE_LIMITS.bytes)))).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(/^an event of \d+ bytes is too large for EventBridge$/),
    })
    expect(server.requests).toEqual([])
  })

  it('is sent only those events again that it did not take', async () => {
    const { server, receiver, details } = await open()
    server.entryErrors.push(null, 'ThrottlingException', null)
    expect(await receiver.post(postOf(3))).toEqual({
      ...{ kind: 'later', afterMs: null, mayHaveArrived: true },
      reason: 'EventBridge refused an event: ThrottlingException: as the test says',
    })
    expect(await receiver.post(postOf(3, { isRepeated: true }))).toEqual({ kind: 'sent' })
    expect(details().map(({ id }) => id)).toEqual(['msg_1.0', 'msg_1.2', 'msg_1.1'])
    // Another post starts with its first entry.
    expect(await receiver.post(postOf(1, { id: 'msg_2' }))).toEqual({ kind: 'sent' })
    expect(details().at(-1)?.id).toBe('msg_2.0')
  })

  it('passes over an event that is wrong, and says so', async () => {
    const { server, receiver } = await open()
    server.entryErrors.push('MalformedDetail')
    expect(await receiver.post(postOf(2))).toEqual({
      kind: 'sent',
      note: '1 of 2 events were refused: EventBridge refused an event: MalformedDetail: as the test says',
    })
    server.entryErrors.push('MalformedDetail')
    expect(await receiver.post(postOf(1, { id: 'msg_2' }))).toMatchObject({ kind: 'refused' })
  })

  it.each([
    [{ status: 400, body: '{"__type":"AccessDeniedException","message":"not allowed"}' }, false, /AccessDeniedExcep/],
    [{ status: 500, body: '{"__type":"InternalException","message":"sorry"}' }, true, /InternalException/],
    ['cut' as const, true, /^EventBridge: /],
  ])('that answers %j is asked again', async (trouble, mayHaveArrived, reason) => {
    const { server, receiver } = await open()
    // The client tries twice by itself.
    server.troubles.push(trouble, trouble)
    const outcome = await receiver.post(postOf(1))
    expect(outcome).toEqual({ kind: 'later', afterMs: null, mayHaveArrived, reason: expect.stringMatching(reason) })
    server.troubles.length = 0
    expect(await receiver.post(postOf(1, { isRepeated: true }))).toEqual({ kind: 'sent' })
    expect(server.events).toHaveLength(1)
  })

  it('that does not answer in time may have the events', async () => {
    const { server, receiver } = await open(100)
    server.troubles.push('hang', 'hang')
    expect(await receiver.post(postOf(1))).toMatchObject({ kind: 'later', mayHaveArrived: true })
  })

  it('that cannot be reached gets none of the events', async () => {
    const { server, receiver } = await open()
    await server.close()
    expect(await receiver.post(postOf(1))).toMatchObject({ kind: 'later', mayHaveArrived: false })
  })
})
