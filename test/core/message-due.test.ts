import { describe, expect, it } from 'vitest'
import type { Incident } from '../../functions/core/incidents/incident.ts'
import { type DueRules, messagesDue, REMINDER_MS, type Told } from '../../functions/core/incidents/message-due.ts'
import { sentencesOf, titleOf } from '../../functions/core/incidents/message-text.ts'
import { DAY_MS } from '../../functions/core/time.ts'
import { NOON_MS } from '../support/factories.ts'
import { openIncident } from '../support/incidents.ts'

const RECOVERED = { state: 'recovered', closed_at: '2026-11-20T00:00:00.000Z' } as const

const RULES: DueRules = {
  nowMs: NOON_MS,
  sinceMs: NOON_MS - 30 * DAY_MS,
  isFor: () => true,
  isMuted: () => false,
  acknowledgedBy: () => null,
}

/** Kinds and threads of what is due. */
function due(incidents: readonly Incident[], told: readonly Partial<Told>[] = [], rules: Partial<DueRules> = {}) {
  const last = told.map(
    (each): Told => ({ kind: 'opened', incident: openIncident(), thread: 'a', toldMs: NOON_MS - DAY_MS, ...each }),
  )
  return messagesDue(incidents, last, { ...RULES, ...rules }).map(({ kind, thread }) => `${kind} ${thread}`)
}

describe('the first message of an incident', () => {
  it('is due when it is open, or when it ended while the receiver could not be reached', () => {
    expect(due([openIncident()])).toEqual(['opened a'])
    expect(due([openIncident(RECOVERED)])).toEqual(['ended a'])
  })

  it('is not due when it ended before the receiver was there, came with an import, or is for others', () => {
    expect(due([openIncident(RECOVERED)], [], { sinceMs: NOON_MS })).toEqual([])
    const endMs = Date.parse(RECOVERED.closed_at)
    expect(due([openIncident(RECOVERED)], [], { sinceMs: endMs + 1 })).toEqual([])
    expect(due([openIncident(RECOVERED)], [], { sinceMs: endMs })).toEqual(['ended a'])
    expect(due([openIncident({ from_import: true })])).toEqual([])
    expect(due([openIncident()], [], { isFor: () => false })).toEqual([])
  })

  it('is not sent for a site that opened with or after the incident of its class', () => {
    const group = openIncident({ id: 'g', kind: 'many-sites', site_id: null, opened_at: '2026-11-04T10:20:00.000Z' })
    const before = openIncident({ id: 'b', part_of: 'g', opened_at: '2026-11-03T10:20:00.000Z' })
    const same = openIncident({ id: 's', part_of: 'g' })
    expect(due([group, before, same])).toEqual(['opened b', 'opened g'])
    expect(due([same])).toEqual(['opened s'])
  })

  it('waits for the end of a mute, and is never due for an incident that ended during it', () => {
    expect(due([openIncident()], [], { isMuted: () => true })).toEqual([])
    const untilYesterday = (_: Incident, atMs: number) => atMs < NOON_MS - DAY_MS
    expect(due([openIncident()], [], { isMuted: untilYesterday })).toEqual(['opened a'])
    expect(due([openIncident(RECOVERED)], [], { isMuted: untilYesterday })).toEqual([])
  })
})

describe('a further message', () => {
  it('is due when it ended, opened again, or is of another severity or cause', () => {
    expect(due([openIncident()], [{}])).toEqual([])
    expect(due([openIncident(RECOVERED)], [{}])).toEqual(['ended a'])
    expect(due([openIncident()], [{ kind: 'ended', incident: openIncident(RECOVERED) }])).toEqual(['changed a'])
    expect(due([openIncident({ severity: 'error' })], [{}])).toEqual(['changed a'])
    expect(due([openIncident({ cause: 'producer' })], [{}])).toEqual(['changed a'])
    expect(due([openIncident({ ndvi_change: -0.16, score: -5 })], [{}])).toEqual([])
  })

  it('follows the first also when the incident is no longer for the receiver', () => {
    expect(due([openIncident(RECOVERED)], [{}], { isFor: () => false })).toEqual(['ended a'])
  })

  it('withdraws an incident that turns out not to be one, once, and reports it when it is one again', () => {
    expect(due([], [{}])).toEqual(['withdrawn a'])
    expect(due([], [{ kind: 'withdrawn' }])).toEqual([])
    expect(due([openIncident()], [{ kind: 'withdrawn' }])).toEqual(['opened a'])
    expect(due([openIncident(RECOVERED)], [{ kind: 'withdrawn' }])).toEqual([])
  })

  it('keeps the thread when a late image moved the opening', () => {
    const moved = openIncident({ id: 'b', opened_at: '2026-10-28T10:20:00.000Z' })
    expect(due([moved], [{}])).toEqual(['changed a'])
    expect(due([openIncident({ ...moved, ...RECOVERED })], [{}])).toEqual(['ended a'])
    const other = openIncident({ id: 'c', site_id: 'stand-2' })
    expect(due([other], [{}])).toEqual(['withdrawn a', 'opened c'])
    const later = openIncident({ id: 'd', first_at: '2026-11-21T00:00:00.000Z', opened_at: '2026-11-22T00:00:00.000Z' })
    expect(due([later], [{ incident: openIncident(RECOVERED) }])).toEqual(['withdrawn a', 'opened d'])
  })

  it('reminds a week after the last one, as long as nobody has acknowledged it', () => {
    const told = [{ toldMs: NOON_MS - REMINDER_MS }]
    expect(due([openIncident()], told)).toEqual(['reminder a'])
    expect(due([openIncident()], [{ toldMs: NOON_MS - REMINDER_MS + 1 }])).toEqual([])
    const acknowledgedBy = () => 'Ann'
    expect(due([openIncident()], [{ ...told[0], acknowledgedBy: 'Ann' }], { acknowledgedBy })).toEqual([])
    expect(due([openIncident(RECOVERED)], [{ ...told[0], kind: 'ended', incident: openIncident(RECOVERED) }])).toEqual(
      [],
    )
  })

  it('reports once that somebody has acknowledged it, unless it has ended', () => {
    const acknowledgedBy = () => 'Ann'
    expect(due([openIncident()], [{}], { acknowledgedBy })).toEqual(['acknowledged a'])
    expect(due([openIncident()], [{ acknowledgedBy: 'Ann' }], { acknowledgedBy })).toEqual([])
    expect(due([openIncident({ severity: 'error' })], [{}], { acknowledgedBy })).toEqual(['changed a'])
    expect(
      due([openIncident(RECOVERED)], [{ kind: 'ended', incident: openIncident(RECOVERED) }], { acknowledgedBy }),
    ).toEqual([])
    expect(messagesDue([openIncident()], [], { ...RULES, acknowledgedBy })).toMatchObject([{ acknowledgedBy: 'Ann' }])
  })

  it('waits for the end of a mute', () => {
    expect(due([openIncident(RECOVERED)], [{}], { isMuted: () => true })).toEqual([])
  })
})

describe('the text of a message', () => {
  const textOf = (kind: Told['kind'], changes: Partial<Incident> = {}) => {
    const message = { kind, incident: openIncident(changes), thread: 'a' }
    return `${titleOf(message)}. ${sentencesOf(message).join(' ')}`
  }

  it('is plain sentences', () => {
    expect(textOf('opened')).toBe(
      'New: site stand-1 (Forest) changed, NDVI -0.15 [warning]. NDVI of site stand-1 at 62.2, 25.1 is 0.15 below normal' +
        ' for the season. The furthest image is 4.2 standard deviations away. The first unusual image is of 2026-10-03;' +
        ' it counts as a change since 2026-11-04.',
    )
    expect(textOf('ended', RECOVERED)).toMatch(/^Over: .* It ended on 2026-11-20\. It is normal again\.$/)
    expect(textOf('ended', { ...RECOVERED, state: 'accepted' })).toMatch(/After a year this is the new normal\.$/)
    expect(textOf('changed', { severity: 'error' })).toMatch(/it is open, with severity error\.$/)
    expect(textOf('changed', RECOVERED)).toMatch(/Later images have changed this incident\.$/)
    expect(textOf('withdrawn')).toMatch(/^Taken back: .* this is not an incident/)
    expect(textOf('reminder')).toMatch(/^Still open: .* Nobody has acknowledged it for a week\.$/)
  })

  it('of a class names the class, its sites and the cause', () => {
    const ofClass = { kind: 'many-sites', site_id: null, ndvi_change: null, score: null, lon: null, lat: null } as const
    expect(textOf('opened', { ...ofClass, sites: 7, cause: 'producer' })).toMatch(
      /^New: 7 sites of Forest changed\. 7 sites of Forest became unusual .* how the images are made has changed\.$/,
    )
    expect(textOf('opened', { ...ofClass, sites: 0 })).toMatch(/^New: Forest changed\. The images of Forest became/)
    expect(textOf('opened', { ...ofClass, kind: 'no-clear-look' })).toMatch(/^New: Forest has hardly any clear image\./)
  })
})
