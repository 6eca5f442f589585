import { describe, expect, it } from 'vitest'
import {
  type Decision,
  decisionsAbout,
  handlingOf,
  type Mute,
  muteOf,
  mutesOf,
  type Region,
} from '../../functions/core/incidents/decisions.ts'
import type { Incident } from '../../functions/core/incidents/incident.ts'
import { openIncident } from '../support/incidents.ts'

const AT = '2026-11-10T00:00:00.000Z'
const UNTIL = '2026-11-20T00:00:00.000Z'
const INCIDENT = openIncident({ first_at: '2026-10-03T00:00:00.000Z', opened_at: '2026-11-04T00:00:00.000Z' })

const mute = (changes: Partial<Mute> = {}): Mute => ({
  ...{ kind: 'mute', number: 1, at: AT, by: 'Ann', from: AT, until: UNTIL, reason: 'works' },
  ...{ site: null, class: null, region: null },
  ...changes,
})

describe('a mute', () => {
  const holds = (changes: Partial<Mute>, incident: Incident = INCIDENT, time = AT) =>
    muteOf([mute(changes)], incident, Date.parse(time)) !== undefined

  it('holds for a site, a class, a region, or all, from its start until just before its end', () => {
    expect(holds({})).toBe(true)
    expect([holds({ site: 'stand-1' }), holds({ site: 'stand-2' })]).toEqual([true, false])
    expect([holds({ class: 'Forest' }), holds({ class: 'River' })]).toEqual([true, false])
    expect(holds({ site: 'stand-1', class: 'River' })).toBe(false)
    expect(
      ['2026-11-09T23:59:59.999Z', '2026-11-19T23:59:59.999Z', UNTIL].map(time => holds({}, INCIDENT, time)),
    ).toEqual([...[false, true, false]])
  })

  it.each<[Region, boolean]>([
    [[25, 62, 26, 63], true],
    [[25.1, 62.2, 25.1, 62.2], true],
    [[25.2, 62, 26, 63], false],
    [[25, 62.3, 26, 63], false],
    [[25, 61, 26, 62.1], false],
    [[170, 62, -170, 63], false],
    [[20, 62, -170, 63], true],
    [[170, 62, 26, 63], true],
  ])('of the region %j holds for a place at 25.1, 62.2: %j', (region, expected) => {
    expect(holds({ region })).toBe(expected)
  })

  it('of a region holds for no incident without a place', () => {
    expect(holds({ region: [-180, -90, 180, 90] }, openIncident({ lon: null, lat: null }))).toBe(false)
  })

  it('that is ended early ends then, and stays in the list; a later end changes nothing', () => {
    const end = (at: string): Decision => ({ kind: 'end-mute', number: 2, at, by: null, mute: 1 })
    expect(mutesOf([mute(), end('2026-11-12T00:00:00.000Z')])).toEqual([mute({ until: '2026-11-12T00:00:00.000Z' })])
    expect(mutesOf([mute(), end('2026-11-30T00:00:00.000Z')])).toEqual([mute()])
    expect(mutesOf([end(AT)])).toEqual([])
  })
})

describe('decisions about an incident', () => {
  const { id, kind, class_name, site_id, opened_at } = INCIDENT
  const about = { number: 1, at: AT, by: 'Ann', incident: { id, kind, class_name, site_id, opened_at } }
  const acknowledged: Decision = { ...about, kind: 'acknowledge' }

  it('give the person who acknowledged it first, the person who is assigned now, and the number of notes', () => {
    expect(handlingOf([], INCIDENT)).toEqual({ acknowledgedBy: null, assignedTo: null, notes: 0 })
    const decisions: Decision[] = [
      acknowledged,
      { ...about, kind: 'acknowledge', by: 'Bob' },
      { ...about, kind: 'assign', to: 'Bob' },
      { ...about, kind: 'assign', to: 'Cid' },
      { ...about, kind: 'note', text: 'seen' },
      mute(),
    ]
    expect(handlingOf(decisions, INCIDENT)).toEqual({ acknowledgedBy: 'Ann', assignedTo: 'Cid', notes: 1 })
    expect(handlingOf([{ ...acknowledged, by: null }], INCIDENT).acknowledgedBy).toBe('somebody')
  })

  it('hold when a late look gives it another id, and not for another incident of the site', () => {
    const count = (changes: Partial<Incident>) => decisionsAbout([acknowledged], { ...INCIDENT, ...changes }).length
    expect(count({ id: 'b', opened_at: '2026-10-28T00:00:00.000Z' })).toBe(1)
    expect(count({ id: 'b', site_id: 'stand-2' })).toBe(0)
    expect(count({ id: 'b', first_at: '2026-11-05T00:00:00.000Z' })).toBe(0)
    expect(count({ id: 'b', closed_at: '2026-11-03T00:00:00.000Z' })).toBe(0)
    expect(count({ id: 'b', closed_at: '2026-11-05T00:00:00.000Z' })).toBe(1)
  })
})
