import { countsOf, sentencesOf, titleOf } from '../../core/incidents/message-text.ts'
import { SECOND_MS } from '../../core/time.ts'
import type { Post, Receiver } from '../../ports/receiver.ts'
import { httpPost } from './http-post.ts'

/**
 * Limits of Slack: blocks of a message, characters of a header and of the text of a section.
 *
 * @see https://docs.slack.dev/reference/block-kit/blocks
 */
export const SLACK_LIMITS = { blocks: 50, headerCharacters: 150, sectionCharacters: 3_000 }

/** Maximum number of messages in a post. Each is a block, beside those of the header, the notes and the link. */
const MOST_MESSAGES = SLACK_LIMITS.blocks - 4

/** Options of a Slack channel. */
export interface SlackOptions {
  /** Address of the incoming webhook. */
  url: string
  /** Address of the dashboard; null if it has none. */
  page: string | null
}

/** Opens a channel of Slack. An incoming webhook takes one message a second, and does not drop copies. */
export function openSlackReceiver({ url, page }: SlackOptions): Receiver {
  return {
    mostMessages: MOST_MESSAGES,
    digestHour: null,
    gapMs: SECOND_MS,
    isQuiet: () => false,
    takes: () => true,
    post: post => httpPost(url, JSON.stringify(slackBody(post, page)), {}),
  }
}

/** Body of a message: a header, a section for each incident, and the address of the page. */
export function slackBody(post: Post, page: string | null) {
  const { messages, isSummary, isRepeated } = post
  const [first] = messages
  const title = messages.length === 1 && first ? titleOf(first) : `landcover: ${countsOf(messages)}`
  const named = messages.slice(0, MOST_MESSAGES)
  const notes = [
    ...(isSummary ? ['More than 20 messages in an hour: this one stands for all others.'] : []),
    ...(named.length < messages.length ? [`${messages.length - named.length} more are on the page.`] : []),
    ...(isRepeated ? ['This message may come a second time: the first try was cut off.'] : []),
  ]
  return {
    text: escapeText(title),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: shortened(title, SLACK_LIMITS.headerCharacters) } },
      ...named.map(message =>
        section(`*${escapeText(titleOf(message))}*\n${escapeText(sentencesOf(message).join(' '))}`),
      ),
      ...notes.map(section),
      ...(page === null ? [] : [section(`<${page}|Open the dashboard>`)]),
    ],
  }
}

function section(text: string) {
  return { type: 'section', text: { type: 'mrkdwn', text: shortened(text, SLACK_LIMITS.sectionCharacters) } }
}

/** @see https://docs.slack.dev/messaging/formatting-message-text#escaping */
function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
