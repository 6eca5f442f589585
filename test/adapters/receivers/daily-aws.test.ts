import { beforeEach, describe, expect, it, vi } from 'vitest'
import { openSesReceiver } from '../../../functions/adapters/receivers/ses.ts'
import { noticeOf, openSnsReceiver, SNS_LIMITS } from '../../../functions/adapters/receivers/sns.ts'
import type { DueMessage } from '../../../functions/core/incidents/message-due.ts'
import type { Post } from '../../../functions/ports/receiver.ts'
import { NOON_MS } from '../../support/factories.ts'
import { openIncident } from '../../support/incidents.ts'
import { serveSes, serveSns } from '../../support/receiver-servers.ts'

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:incidents'

function postOf(count = 1, siteId = 'stand-1'): Post {
  const messages = Array.from(
    { length: count },
    (): DueMessage => ({ kind: 'opened', incident: openIncident({ site_id: siteId }), thread: 'a' }),
  )
  return { id: 'msg_1', atMs: NOON_MS, messages, isSummary: false, isRepeated: false }
}

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  return () => vi.unstubAllEnvs()
})

describe('a daily mail by Amazon SES', () => {
  async function open() {
    const server = await serveSes(['landcover@example.org'])
    const mail = { from: 'landcover@example.org', to: ['a@example.org', 'b@example.org'], hour: 6 }
    const settings = { region: 'eu-central-1', ...mail, page: 'https://example.org' }
    return { server, open: (from = mail.from) => openSesReceiver({ ...settings, from, endpoint: server.origin }) }
  }

  it('has a subject, the sentences of each incident, the page, and the id of the post', async () => {
    const { server, open: receiver } = await open()
    expect(await receiver().post(postOf(2))).toEqual({ kind: 'sent' })
    expect(server.mails).toMatchObject([
      {
        FromEmailAddress: 'landcover@example.org',
        Destination: { ToAddresses: ['a@example.org', 'b@example.org'] },
        Content: {
          Simple: {
            Subject: { Data: 'landcover: 2 new' },
            Body: {
              Text: { Data: expect.stringMatching(/New: site stand-1[\s\S]*Dashboard: https:\/\/example\.org/) },
            },
            Headers: [{ Name: 'X-Landcover-Post', Value: 'msg_1' }],
          },
        },
      },
    ])
    expect(receiver()).toMatchObject({ digestHour: 6 })
  })

  it('waits for a sender that is not verified, and for the service', async () => {
    const { server, open: receiver } = await open()
    expect(await receiver('other@example.org').post(postOf())).toMatchObject({
      ...{ kind: 'later', afterMs: null, mayHaveArrived: false },
      reason: 'Amazon SES: MessageRejected: Email address is not verified.',
    })
    server.troubles.push({ status: 500, body: '{}' })
    expect(await receiver().post(postOf())).toMatchObject({ kind: 'later', mayHaveArrived: true })
    expect(server.mails).toEqual([])
  })
})

describe('a daily message to a topic of Amazon SNS', () => {
  async function open() {
    const server = await serveSns()
    return { server, receiver: openSnsReceiver({ topic: TOPIC, hour: 7, page: null, endpoint: server.origin }) }
  }

  it('has a subject and the sentences of each incident', async () => {
    const { server, receiver } = await open()
    expect(await receiver.post(postOf())).toEqual({ kind: 'sent' })
    expect(server.notices).toMatchObject([{ TopicArn: TOPIC, Subject: 'landcover: 1 new' }])
    expect(server.notices[0]?.Message).toContain('New: site stand-1 (Forest) changed, NDVI -0.15 [warning]')
    expect(receiver.digestHour).toBe(7)
  })

  it('is cut off between characters when it is too long', async () => {
    const { server, receiver } = await open()
    expect(await receiver.post(postOf(500, 'ä'.repeat(300)))).toEqual({ kind: 'sent' })
    const message = server.notices[0]?.Message ?? ''
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(SNS_LIMITS.bytes)
    expect(message.endsWith('…\nThe rest is on the page.\n')).toBe(true)
    expect(message).not.toContain('\uFFFD')
  })

  it('waits for a topic that cannot be reached', async () => {
    const { server, receiver } = await open()
    server.troubles.push({
      status: 403,
      body: '<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>',
    })
    expect(await receiver.post(postOf())).toMatchObject({ kind: 'later', mayHaveArrived: false })
    const gone = await open()
    await gone.server.close()
    expect(await gone.receiver.post(postOf())).toMatchObject({ kind: 'later', mayHaveArrived: false })
  })

  it('has a subject within the limit, whatever it is about', () => {
    const { Subject } = noticeOf(postOf(500), null)
    expect(Subject.length).toBeLessThanOrEqual(SNS_LIMITS.subjectCharacters)
    expect(Subject).toMatch(/^[\x20-\x7e]+$/)
  })
})
