import { describe, expect, it } from 'vitest'
import {
  isRouted,
  type PastPost,
  type PlannedPost,
  type PostLimits,
  planPosts,
  type Route,
} from '../../functions/core/incidents/delivery.ts'
import type { Incident } from '../../functions/core/incidents/incident.ts'
import type { DueMessage } from '../../functions/core/incidents/message-due.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { NOON_MS } from '../support/factories.ts'
import { openIncident } from '../support/incidents.ts'

describe('a route', () => {
  const fits = (route: Partial<Route>, changes: Partial<Incident> = {}) =>
    isRouted([{ receivers: ['team'], ...route }], 'team', openIncident(changes))

  it('matches by class, start of the site id, kind and least severity', () => {
    expect(fits({})).toBe(true)
    expect([fits({ classes: ['River', 'Forest'] }), fits({ classes: ['River'] })]).toEqual([true, false])
    expect([fits({ sites: ['stand-'] }), fits({ sites: ['tand-'] })]).toEqual([true, false])
    expect(fits({ sites: ['stand-'] }, { site_id: null })).toBe(false)
    expect([fits({ kinds: ['site-change'] }), fits({ kinds: ['many-sites'] })]).toEqual([true, false])
    expect([fits({ severity: 'warning' }), fits({ severity: 'error' })]).toEqual([true, false])
    expect(fits({ severity: 'warning' }, { severity: 'error' })).toBe(true)
  })

  it('sends to the receivers of all matching routes; without routes, everybody gets everything', () => {
    const routes: Route[] = [{ receivers: ['a'], classes: ['River'] }, { receivers: ['a', 'b'] }]
    expect(['a', 'b', 'c'].map(name => isRouted(routes, name, openIncident()))).toEqual([true, true, false])
    expect(isRouted([], 'c', openIncident())).toBe(true)
  })
})

describe('posts', () => {
  const LIMITS: PostLimits = { mostMessages: 1, digestHour: null, isQuiet: ({ kind }) => kind === 'ended' }
  const messages = (count: number, kind: DueMessage['kind'] = 'opened') =>
    Array.from({ length: count }, (_, index): DueMessage => ({ kind, incident: openIncident(), thread: `${index}` }))
  const past = (count: number, changes: Partial<PastPost> = {}) =>
    Array.from({ length: count }, () => ({ atMs: NOON_MS - MINUTE_MS, isSummary: false, isCounted: true, ...changes }))
  const sizes = (posts: readonly PlannedPost[]) =>
    posts.map(({ messages: { length }, isSummary }) => (isSummary ? `summary of ${length}` : length))

  it('hold as many messages as the receiver takes', () => {
    expect(sizes(planPosts(messages(7), [], NOON_MS, { ...LIMITS, mostMessages: 3 }))).toEqual([3, 3, 1])
    expect(planPosts([], [], NOON_MS, LIMITS)).toEqual([])
  })

  it('are at most 20 in an hour, then one summary of the others; later messages wait', () => {
    expect(sizes(planPosts(messages(20), [], NOON_MS, LIMITS))).toEqual(Array(20).fill(1))
    expect(sizes(planPosts(messages(25), [], NOON_MS, LIMITS))).toEqual([...Array(20).fill(1), 'summary of 5'])
    expect(sizes(planPosts(messages(5), past(18), NOON_MS, LIMITS))).toEqual([1, 1, 'summary of 3'])
    const full = [...past(20), ...past(1, { isSummary: true })]
    expect(planPosts(messages(5), full, NOON_MS, LIMITS)).toEqual([])
    expect(sizes(planPosts(messages(5), full, NOON_MS + HOUR_MS, LIMITS))).toEqual([1, 1, 1, 1, 1])
    const hourAgo = past(20, { atMs: NOON_MS - HOUR_MS })
    expect(sizes(planPosts(messages(1), hourAgo, NOON_MS, LIMITS))).toEqual([1])
    expect(sizes(planPosts(messages(1), hourAgo, NOON_MS - 1, LIMITS))).toEqual(['summary of 1'])
  })

  it('that wake nobody do not count', () => {
    expect(planPosts(messages(30, 'ended'), past(20), NOON_MS, LIMITS)).toHaveLength(30)
    expect(planPosts(messages(1), past(30, { isCounted: false }), NOON_MS, LIMITS)).toHaveLength(1)
  })

  it('of a digest are sent once a day, from its hour on', () => {
    const digest = { ...LIMITS, digestHour: 12 }
    expect(sizes(planPosts(messages(30), [], NOON_MS, digest))).toEqual([30])
    expect(planPosts(messages(30), past(1, { atMs: NOON_MS }), NOON_MS + DAY_MS - 1, digest)).toEqual([])
    expect(planPosts(messages(30), past(1, { atMs: NOON_MS - MINUTE_MS }), NOON_MS, digest)).toHaveLength(1)
    expect(planPosts(messages(30), past(1, { atMs: NOON_MS - DAY_MS }), NOON_MS - 1, digest)).toEqual([])
  })
})
