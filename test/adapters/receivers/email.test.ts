import { expect, it } from 'vitest'
import { type EmailOptions, openEmailReceiver } from '../../../functions/adapters/receivers/email.ts'
import type { DueMessage } from '../../../functions/core/incidents/message-due.ts'
import type { Post } from '../../../functions/ports/receiver.ts'
import { NOON_MS } from '../../support/factories.ts'
import { openIncident } from '../../support/incidents.ts'
import { serveMail } from '../../support/mail-server.ts'

async function open(changes: Partial<EmailOptions> = {}) {
  const server = await serveMail()
  const receiver = openEmailReceiver({
    ...{ host: '127.0.0.1', port: server.port, isTls: false, isPlain: true, login: null, hour: 6, page: null },
    ...{ from: 'landcover@example.org', to: ['a@example.org', 'b@example.org'] },
    ...changes,
  })
  return { server, receiver }
}

function postOf(messages: readonly Partial<DueMessage>[] = [{}], changes: Partial<Post> = {}): Post {
  const whole = messages.map(each => ({ kind: 'opened' as const, incident: openIncident(), thread: 'a', ...each }))
  return { id: 'msg_1', atMs: NOON_MS, messages: whole, isSummary: false, isRepeated: false, ...changes }
}

it('a mail goes to all addresses, with the same Message-ID when it is sent again', async () => {
  const { server, receiver } = await open({
    page: 'https://example.org',
    login: { username: 'me', password: 'secret' },
  })
  const messages: Partial<DueMessage>[] = [{}, {}, { kind: 'ended' }]
  expect(await receiver.post(postOf(messages))).toEqual({ kind: 'sent' })
  expect(await receiver.post(postOf(messages, { isRepeated: true }))).toEqual({ kind: 'sent' })
  const [first, second] = server.taken
  expect(first?.to).toEqual(['a@example.org', 'b@example.org'])
  expect(first?.text).toContain('Subject: landcover: 2 new, 1 over\n')
  expect(first?.text).toContain('New: site stand-1 (Forest) changed, NDVI -0.15 [warning]')
  expect(first?.text).toContain('Dashboard: https://example.org')
  for (const mail of [first, second]) expect(mail?.text).toMatch(/^Message-ID: <msg_1@landcover>$/im)
  expect([first, second].map(mail => mail?.text.includes('may come a second time'))).toEqual([false, true])
  expect(server.logins).toEqual(['me:secret', 'me:secret'])
})

it('a mail lists 500 incidents and the number of the others; a name cannot add a header', async () => {
  const { server, receiver } = await open()
  const incident = openIncident({ class_name: 'Forest\r\nBcc: c@example.org', site_id: 'Grünland' })
  expect(await receiver.post(postOf(Array.from({ length: 510 }, () => ({ incident }))))).toEqual({ kind: 'sent' })
  expect(server.taken[0]?.to).toHaveLength(2)
  expect(server.taken[0]?.text.split('\n\n')[0]).not.toContain('Bcc')
})

it('an address that is refused is reported; the others get the mail', async () => {
  const { server, receiver } = await open()
  server.troubles.push({ command: 'RCPT', answer: '550 nobody here' })
  expect(await receiver.post(postOf())).toEqual({ kind: 'sent', note: '127.0.0.1 refused 1 of the addresses' })
  expect(server.taken[0]?.to).toEqual(['b@example.org'])
})

it.each([
  ['EHLO', '421 too busy', { kind: 'later' }],
  ['MAIL', '451 later', { kind: 'later', mayHaveArrived: false, reason: expect.stringContaining('451') }],
  ['DATA', '452 full', { kind: 'later', mayHaveArrived: false }],
  ['END', '451 later', { kind: 'later', mayHaveArrived: false }],
  ['END', '554 no such content', { kind: 'refused', reason: expect.stringContaining('554') }],
  ['END', 'cut', { kind: 'later', mayHaveArrived: true }],
  ['END', 'hang', { kind: 'later', mayHaveArrived: true }],
])('a server that answers %s with %s: %j', async (command, answer, outcome) => {
  const { server, receiver } = await open({ tryMs: 500 })
  server.troubles.push({ command, answer })
  if (command === 'EHLO') server.troubles.push({ command: 'HELO', answer })
  expect(await receiver.post(postOf())).toMatchObject(outcome)
  expect(server.taken).toEqual([])
})

it('a wrong password is tried again: it can be corrected', async () => {
  const { server, receiver } = await open({ login: { username: 'me', password: 'wrong' } })
  server.troubles.push({ command: 'AUTH', answer: '535 no' })
  const outcome = await receiver.post(postOf())
  expect(outcome).toMatchObject({ kind: 'later', mayHaveArrived: false, reason: expect.stringContaining('EAUTH 535') })
  expect(JSON.stringify(outcome)).not.toContain('wrong')
})

it('a server without TLS gets nothing, unless it is on this machine', async () => {
  const { server, receiver } = await open({ isPlain: false })
  expect(await receiver.post(postOf())).toMatchObject({ kind: 'later', mayHaveArrived: false })
  expect(server.taken).toEqual([])
})

it('a server that no longer listens is reported as not reached', async () => {
  const { server, receiver } = await open()
  await server.close()
  expect(await receiver.post(postOf())).toMatchObject({ kind: 'later', mayHaveArrived: false })
})

it('mails come once a day, at their hour', async () => {
  const { receiver } = await open({ hour: 9 })
  expect(receiver).toMatchObject({ digestHour: 9 })
})
