import type { SNSClient } from '@aws-sdk/client-sns'
import type { Outcome, Post, Receiver } from '../../ports/receiver.ts'
import { clientOptions } from './aws-client.ts'
import { awsFailure } from './aws-failure.ts'
import { MOST_IN_MAIL, mailOf } from './email.ts'
import { TRY_MS } from './http-post.ts'

/**
 * Limits of a message: characters of the subject, which is ASCII, and bytes of the text.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
export const SNS_LIMITS = { subjectCharacters: 100, bytes: 256 * 1024 }

/** Options of a topic of Amazon SNS. */
export interface SnsOptions {
  /** ARN. */
  topic: string
  /** Hour of the day (UTC) of the message. */
  hour: number
  page: string | null
  /** Address other than AWS's own. */
  endpoint?: string
  /** Time limit of a try, ms. */
  tryMs?: number
}

/** Opens a topic: a message a day, for its subscribers. Credentials are those that the AWS SDK finds. */
export function openSnsReceiver({ topic, hour, page, endpoint, tryMs = TRY_MS }: SnsOptions): Receiver {
  // Loaded at the first message: a system without SNS starts without it.
  let client: Promise<SNSClient> | undefined
  const open = async () => {
    const { SNSClient: Client } = await import('@aws-sdk/client-sns')
    const region = topic.split(':')[3] as string
    return new Client({ region, maxAttempts: 1, ...clientOptions(tryMs, endpoint) })
  }
  return {
    mostMessages: MOST_IN_MAIL,
    digestHour: hour,
    gapMs: 0,
    isQuiet: () => false,
    takes: () => true,
    async post(post: Post): Promise<Outcome> {
      try {
        client ??= open()
        const { PublishCommand } = await import('@aws-sdk/client-sns')
        const command = new PublishCommand({ TopicArn: topic, ...noticeOf(post, page) })
        await (await client).send(command, { abortSignal: AbortSignal.timeout(tryMs) })
        return { kind: 'sent' }
      } catch (error) {
        return { kind: 'later', afterMs: null, ...awsFailure('Amazon SNS', error) }
      }
    },
  }
}

/** Subject and text of a message, within the limits. */
export function noticeOf(post: Post, page: string | null): { Subject: string; Message: string } {
  const { subject, text } = mailOf(post, page)
  const more = '…\nThe rest is on the page.\n'
  const bytes = Buffer.from(text)
  const room = SNS_LIMITS.bytes - Buffer.byteLength(more)
  const cut = bytes.byteLength <= SNS_LIMITS.bytes ? text : wholeCharacters(bytes.subarray(0, room)) + more
  return { Subject: subject.slice(0, SNS_LIMITS.subjectCharacters), Message: cut }
}

/** Text of bytes that may end within a character. */
function wholeCharacters(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes, { stream: true })
}
