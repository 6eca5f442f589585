import { createTransport, type Mail } from 'nodemailer'
import { countsOf, sentencesOf, titleOf } from '../../core/incidents/message-text.ts'
import { SECOND_MS } from '../../core/time.ts'
import type { Outcome, Post, Receiver } from '../../ports/receiver.ts'
import { TRY_MS } from './http-post.ts'

/** Options of a daily mail. */
export interface EmailOptions {
  host: string
  port: number
  /** TLS from the first byte; otherwise STARTTLS. */
  isTls: boolean
  /** Sends without TLS: only to a server on this machine. */
  isPlain: boolean
  login: { username: string; password: string } | null
  from: string
  to: readonly string[]
  /** Hour of the day (UTC) of the mail. */
  hour: number
  page: string | null
  /** Time limit of a try, ms. */
  tryMs?: number
}

/** Maximum number of incidents that a mail lists. It gives the number of the others. */
export const MOST_IN_MAIL = 500

/** Time limit of a conversation with a server, ms. It is shorter than the time for which a claim is owned. */
const LONGEST_TRY_MS = 2 * TRY_MS

/**
 * Opens a receiver that sends one mail a day. On a day without news it sends none. Its Message-ID is the same when it
 * is sent again.
 */
export function openEmailReceiver(options: EmailOptions): Receiver {
  const { host, port, isTls, isPlain, login, from, to, hour, page, tryMs = LONGEST_TRY_MS } = options
  const timeouts = { connectionTimeout: tryMs, greetingTimeout: tryMs, socketTimeout: tryMs }
  const transport = createTransport({
    ...{ host, port, secure: isTls, requireTLS: !isTls && !isPlain, ignoreTLS: isPlain, ...timeouts },
    ...{ disableFileAccess: true, disableUrlAccess: true },
    ...(login && { auth: { user: login.username, pass: login.password } }),
  })
  return {
    mostMessages: MOST_IN_MAIL,
    digestHour: hour,
    gapMs: SECOND_MS,
    isQuiet: () => false,
    takes: () => true,
    post: post => send(transport, { from, to: [...to], ...mailOf(post, page) }, host, tryMs),
  }
}

/** Subject, text and headers of the mail of a post. */
export function mailOf(post: Post, page: string | null) {
  const { id, atMs, messages, isRepeated } = post
  const named = messages.slice(0, MOST_IN_MAIL)
  const parts = [
    ...named.map(message => `${titleOf(message)}\n${sentencesOf(message).join(' ')}`),
    ...(named.length < messages.length ? [`${messages.length - named.length} more are on the page.`] : []),
    ...(isRepeated ? ['This mail may come a second time: the first try was cut off.'] : []),
    ...(page === null ? [] : [`Dashboard: ${page}`]),
  ]
  return {
    subject: `landcover: ${countsOf(messages)}`,
    text: `${parts.join('\n\n')}\n`,
    messageId: `<${id}@landcover>`,
    date: new Date(atMs),
  }
}

async function send(
  transport: Mail,
  mail: Parameters<Mail['sendMail']>[0],
  host: string,
  tryMs: number,
): Promise<Outcome> {
  const limit = Promise.withResolvers<Outcome>()
  const reason = `${host} did not answer in time`
  const timer = setTimeout(() => limit.resolve({ kind: 'later', reason, afterMs: null, mayHaveArrived: true }), tryMs)
  try {
    return await Promise.race([attempt(transport, mail, host), limit.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Error of nodemailer. */
interface MailError extends Error {
  code?: string
  responseCode?: number
  command?: string
  syscall?: string
}

async function attempt(transport: Mail, mail: Parameters<Mail['sendMail']>[0], host: string): Promise<Outcome> {
  try {
    const { rejected } = (await transport.sendMail(mail)) as { rejected?: unknown[] }
    const count = rejected?.length ?? 0
    return count === 0 ? { kind: 'sent' } : { kind: 'sent', note: `${host} refused ${count} of the addresses` }
  } catch (error) {
    const { code = 'error', responseCode, command, syscall, message } = error as MailError
    const reason = `${host}: ${code}${responseCode ? ` ${responseCode}` : ''}: ${message.split('\n')[0]}`
    // Only a refusal of the content is permanent: addresses and passwords can be corrected.
    if (code === 'EMESSAGE' && responseCode !== undefined && responseCode >= 500) return { kind: 'refused', reason }
    const isInData = command === 'DATA' || command === 'CONN'
    const isReached = !NEVER_REACHED.includes(code) && syscall !== 'connect' && syscall !== 'getaddrinfo'
    const mayHaveArrived = responseCode === undefined && isInData && isReached
    return { kind: 'later', reason, afterMs: null, mayHaveArrived }
  }
}

/** Errors before a conversation with the server began. */
const NEVER_REACHED = ['EDNS', 'ETLS', 'EAUTH']
