import { describe, expect, it } from 'vitest'
import { type DecisionForm, decisionRequest, handledText } from '../../web/view-models/decisions.ts'
import { createClock } from '../../web/view-models/format.ts'
import { at, incident } from './factories.ts'

const NOW = at('14:15:00')
const clock = createClock('Europe/Berlin')

describe('the request of a decision', () => {
  const FORM: DecisionForm = { kind: 'acknowledge', by: ' Ann ', text: ' why ', days: 2 }
  const of = (change: Partial<DecisionForm>, of = incident()) => decisionRequest(of, { ...FORM, ...change }, NOW)
  const url = '/api/incidents/0123456789abcdef/decisions'

  it('is about the incident', () => {
    expect(of({})).toEqual({ url, body: { kind: 'acknowledge', by: 'Ann' } })
    expect(of({ kind: 'assign' })).toEqual({ url, body: { kind: 'assign', to: 'why', by: 'Ann' } })
    expect(of({ kind: 'note', by: ' ' })).toEqual({ url, body: { kind: 'note', text: 'why' } })
  })

  it('mutes its site, or its class where it has no site, for some days', () => {
    const muted = { until: '2026-11-24T14:15:00.000Z', reason: 'why', by: 'Ann' }
    expect(of({ kind: 'mute' })).toEqual({ url: '/api/mutes', body: { site: 'stand-03', ...muted } })
    expect(of({ kind: 'mute' }, incident({ site_id: null })).body).toEqual({ class: 'Forest', ...muted })
  })
})

describe('what people have decided', () => {
  it('is one line', () => {
    expect(handledText(incident(), clock, NOW)).toBe('')
    const handled = { acknowledged_by: 'Ann', assigned_to: 'Bob', notes: 2, muted_until: '2026-12-24T00:00:00.000Z' }
    expect(handledText(incident(handled), clock, NOW)).toBe(
      'acknowledged by Ann, Bob has it, 2 notes, muted until 24 Dec',
    )
    expect(handledText(incident({ muted_until: '2026-11-22T14:00:00.000Z' }), clock, NOW)).toBe('')
  })
})
