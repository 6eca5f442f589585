import { DAY_MS, HOUR_MS, SECOND_MS, startOfDay } from '../time.ts'
import type { Incident } from './incident.ts'
import type { DueMessage } from './message-due.ts'
import type { Severity } from './site-change.ts'

/** Time within which messages that become due go out as one post: they are looked for that often. */
export const GROUP_MS = 30 * SECOND_MS

/** Maximum number of posts in an hour to one receiver. Further messages come in one summary, and later ones wait. */
export const POSTS_AN_HOUR = 20

/** Route: receivers that are told of some incidents. A field that is left out fits everything. */
export interface Route {
  receivers: readonly string[]
  classes?: readonly string[] | undefined
  /** Starts of site ids. Incidents of a class have no site, so a route with this field does not fit them. */
  sites?: readonly string[] | undefined
  kinds?: readonly Incident['kind'][] | undefined
  /** Lowest severity. */
  severity?: Severity | undefined
}

const SEVERITIES: readonly Severity[] = ['info', 'warning', 'error']

/** Tells whether a severity is another one or worse. */
export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least)
}

/** Tells whether an incident goes to a receiver. Without routes every receiver gets everything. */
export function isRouted(routes: readonly Route[], receiver: string, incident: Incident): boolean {
  if (routes.length === 0) return true
  return routes.some(route => route.receivers.includes(receiver) && fits(route, incident))
}

function fits({ classes, sites, kinds, severity }: Route, incident: Incident): boolean {
  const { site_id } = incident
  return (
    (!classes || classes.includes(incident.class_name)) &&
    (!sites || (site_id !== null && sites.some(prefix => site_id.startsWith(prefix)))) &&
    (!kinds || kinds.includes(incident.kind)) &&
    (!severity || isAtLeast(incident.severity, severity))
  )
}

/** Messages that go out at once. */
export interface PlannedPost {
  messages: readonly DueMessage[]
  /** True for a summary of posts that would have been too many. */
  isSummary: boolean
  /** True when it counts towards the maximum of the hour. */
  isCounted: boolean
}

/** Posts of a receiver so far, of the last day. */
export type PastPost = Pick<PlannedPost, 'isSummary' | 'isCounted'> & { atMs: number }

/** Limits of the posts of a receiver. */
export interface PostLimits {
  /** Maximum number of messages in a post. */
  mostMessages: number
  /** Hour of the day (UTC) of the one post of a day; null to post at once. */
  digestHour: number | null
  /** Tells whether a message wakes nobody, and so does not count. */
  isQuiet(message: DueMessage): boolean
}

/**
 * Plans posts from messages that are due. At most 20 count in an hour: the messages of all others come in one summary.
 * Messages that become due after that stay due until the hour has room.
 */
export function planPosts(
  due: readonly DueMessage[],
  past: readonly PastPost[],
  nowMs: number,
  { mostMessages, digestHour, isQuiet }: PostLimits,
): PlannedPost[] {
  if (due.length === 0) return []
  if (digestHour !== null) {
    const isTime =
      nowMs >= lastTimeOf(digestHour, nowMs) && !past.some(({ atMs }) => atMs >= lastTimeOf(digestHour, nowMs))
    return isTime ? [{ messages: due, isSummary: false, isCounted: false }] : []
  }
  const recent = past.filter(({ atMs }) => atMs > nowMs - HOUR_MS)
  const room = POSTS_AN_HOUR - recent.filter(({ isCounted, isSummary }) => isCounted && !isSummary).length
  const posts = [
    ...inPosts(due.filter(isQuiet), mostMessages, false),
    ...inPosts(
      due.filter(message => !isQuiet(message)),
      mostMessages,
      true,
    ),
  ]
  const counted = posts.filter(({ isCounted }) => isCounted)
  const sent = [...posts.filter(({ isCounted }) => !isCounted), ...counted.slice(0, Math.max(room, 0))]
  const rest = counted.slice(Math.max(room, 0)).flatMap(({ messages }) => messages)
  if (rest.length === 0 || recent.some(({ isSummary }) => isSummary)) return sent
  return [...sent, { messages: rest, isSummary: true, isCounted: true }]
}

/** Last time at which the hour of the day began. */
function lastTimeOf(hour: number, nowMs: number): number {
  const todayMs = startOfDay(nowMs) + hour * HOUR_MS
  return todayMs <= nowMs ? todayMs : todayMs - DAY_MS
}

function inPosts(messages: readonly DueMessage[], most: number, isCounted: boolean): PlannedPost[] {
  const posts: PlannedPost[] = []
  for (let from = 0; from < messages.length; from += most) {
    posts.push({ messages: messages.slice(from, from + most), isSummary: false, isCounted })
  }
  return posts
}
