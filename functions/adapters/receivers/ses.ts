import type { SESv2Client } from '@aws-sdk/client-sesv2'
import { SECOND_MS } from '../../core/time.ts'
import type { Outcome, Post, Receiver } from '../../ports/receiver.ts'
import { clientOptions } from './aws-client.ts'
import { awsFailure } from './aws-failure.ts'
import { MOST_IN_MAIL, mailOf } from './email.ts'
import { TRY_MS } from './http-post.ts'

/** Options of a daily mail by Amazon SES. */
export interface SesOptions {
  region: string
  /** Sender, whose address or domain SES has verified. */
  from: string
  to: readonly string[]
  /** Hour of the day (UTC) of the mail. */
  hour: number
  page: string | null
  /** Address other than AWS's own. */
  endpoint?: string
  /** Time limit of a try, ms. */
  tryMs?: number
}

/**
 * Opens receivers of a mail a day, sent by Amazon SES with credentials that the AWS SDK finds. SES sets the Message-ID
 * itself, so a copy is recognised by its header `X-Landcover-Post` only.
 */
export function openSesReceiver({ region, from, to, hour, page, endpoint, tryMs = TRY_MS }: SesOptions): Receiver {
  // Loaded at the first mail: a system without SES starts without it.
  let client: Promise<SESv2Client> | undefined
  const open = async () => {
    const { SESv2Client: Client } = await import('@aws-sdk/client-sesv2')
    return new Client({ region, maxAttempts: 1, ...clientOptions(tryMs, endpoint) })
  }
  return {
    mostMessages: MOST_IN_MAIL,
    digestHour: hour,
    gapMs: SECOND_MS,
    isQuiet: () => false,
    takes: () => true,
    async post(post: Post): Promise<Outcome> {
      const { subject, text } = mailOf(post, page)
      try {
        client ??= open()
        const { SendEmailCommand } = await import('@aws-sdk/client-sesv2')
        const command = new SendEmailCommand({
          FromEmailAddress: from,
          Destination: { ToAddresses: [...to] },
          Content: {
            Simple: {
              Subject: { Data: subject, Charset: 'UTF-8' },
              Body: { Text: { Data: text, Charset: 'UTF-8' } },
              Headers: [{ Name: 'X-Landcover-Post', Value: post.id }],
            },
          },
        })
        await (await client).send(command, { abortSignal: AbortSignal.timeout(tryMs) })
        return { kind: 'sent' }
      } catch (error) {
        // Also a refusal of an address: it can be verified.
        return { kind: 'later', afterMs: null, ...awsFailure('Amazon SES', error) }
      }
    },
  }
}
