import { describe, expect, it } from 'vitest'
import { createClock } from '../../web/view-models/format.ts'
import { incidentHeadline, incidentsView } from '../../web/view-models/incidents.ts'
import { at, incident } from './factories.ts'

const clock = createClock('Europe/Berlin')
const NOW = at('14:15:00')
const ENDED = incident({ id: 'ended', state: 'recovered', severity: 'info', closed_at: '2026-11-20T10:20:00.000Z' })
const OF_CLASS = incident({
  ...{ id: 'class', kind: 'many-sites', site_id: null, sites: 7, severity: 'warning', ndvi_change: null, score: null },
})

describe('the card of incidents', () => {
  it('has nothing to show without incidents', () => {
    expect(incidentsView(undefined, clock, NOW)).toBeNull()
    expect(incidentsView([], clock, NOW)).toBeNull()
  })

  it('shows where, since when and how far from normal', () => {
    expect(incidentsView([incident()], clock, NOW)).toEqual({
      note: '1 open',
      items: [
        {
          ...{
            key: '0123456789abcdef',
            state: 'Open',
            isOpen: true,
            severity: 'error',
            size: 'large change',
            place: 'stand-03',
            siteHref: '#/sites/stand-03',
          },
          ...{ className: 'Forest', change: '−0.291', score: '9.1 sd below', since: '3 Oct', until: '' },
          sinceTitle: '2026-10-03T10:20:00.000Z',
          ...{ handled: '', canDecide: false },
        },
      ],
    })
  })

  it('says what was decided, and where the reader can decide', () => {
    const rows = [incident({ acknowledged_by: 'Ann' }), ENDED]
    expect(incidentsView(rows, clock, NOW, true)?.items.map(({ handled, canDecide }) => [handled, canDecide])).toEqual([
      ['acknowledged by Ann', true],
      ['', false],
    ])
  })

  it('has open incidents first, then those that ended, with their end', () => {
    const view = incidentsView([ENDED, incident()], clock, NOW)
    expect(view?.items.map(({ state, until }) => [state, until])).toEqual([
      ['Open', ''],
      ['Recovered', '20 Nov'],
    ])
    expect(incidentsView([ENDED], clock, NOW)?.note).toBe('none open')
  })

  it('shows an incident of a class with its number of sites, and not the sites that are part of it', () => {
    const view = incidentsView([OF_CLASS, incident({ part_of: 'class' })], clock, NOW)
    expect(view?.items).toMatchObject([
      { place: '7 sites', size: 'many sites', className: 'Forest', change: '', score: '' },
    ])
    expect(view?.note).toBe('1 open')
  })

  it('gives the state of an incident and the size of its change in words', () => {
    const rows = [
      incident({ severity: 'warning', sites: 1, site_id: null }),
      incident({ severity: 'info', state: 'accepted', closed_at: '2026-11-20T10:20:00.000Z' }),
    ]
    expect(incidentsView(rows, clock, NOW)?.items.map(({ state, size, place }) => [state, size, place])).toEqual([
      ['Open', 'medium change', '1 site'],
      ['New normal', 'small change', 'stand-03'],
    ])
  })

  it('shows 20, and says how many are not shown', () => {
    const many = Array.from({ length: 23 }, (_, n) =>
      incident({ ...{ id: `${n}`, state: 'recovered' }, closed_at: '2026-11-20T10:20:00.000Z' }),
    )
    const view = incidentsView([...many, incident()], clock, NOW)
    expect(view?.items).toHaveLength(20)
    expect(view?.note).toBe('1 open, 4 older ones not shown')
    expect(incidentsView(many.slice(0, 21), clock, NOW)?.note).toBe('none open, 1 older one not shown')
  })
})

describe('the headline', () => {
  const text = (...incidents: ReturnType<typeof incident>[]) =>
    incidentHeadline(incidents, clock, NOW)
      ?.map(({ text }) => text)
      .join('') ?? null

  it('is about the open incidents, if there are any', () => {
    expect(incidentHeadline(undefined, clock, NOW)).toBeNull()
    expect(text(ENDED)).toBeNull()
    expect(text(incident(), ENDED)).toBe('1 open incident: stand-03 is 0.29 NDVI below normal since 3 Oct.')
    expect(text(OF_CLASS, incident({ id: 'b' }))).toBe(
      '2 open incidents. The newest: 7 sites of Forest changed together since 3 Oct.',
    )
  })

  it('says in which direction a site changed, and stresses how many and where', () => {
    expect(text(incident({ ndvi_change: 0.25 }))).toBe(
      '1 open incident: stand-03 is 0.25 NDVI above normal since 3 Oct.',
    )
    expect(text(incident({ ndvi_change: 0 }))).toBe('1 open incident: stand-03 is 0.00 NDVI above normal since 3 Oct.')
    const oneSite = incident({ site_id: null, sites: 1, ndvi_change: null })
    expect(text(oneSite)).toBe('1 open incident: 1 site of Forest changed together since 3 Oct.')
    expect(incidentHeadline([incident()], clock, NOW)?.map(({ strong }) => strong)).toEqual([true, false, true, false])
  })

  it('reports a producer, a class without sites, and a class without clear images', () => {
    expect(text({ ...OF_CLASS, cause: 'producer' })).toBe(
      '1 open incident: 7 sites of Forest changed together, as if their images were made in another way, since 3 Oct.',
    )
    expect(text({ ...OF_CLASS, sites: 0 })).toBe('1 open incident: Forest is far below normal since 3 Oct.')
    const noClearLook = { ...OF_CLASS, kind: 'no-clear-look' as const, sites: 0 }
    expect(text(noClearLook)).toBe('1 open incident: Forest has had hardly any clear image since 3 Oct.')
    const items = [{ ...OF_CLASS, cause: 'producer' as const }, noClearLook].map(
      each => incidentsView([each], clock, NOW)?.items[0],
    )
    expect(items.map(item => [item?.place, item?.size])).toEqual([
      ['7 sites', 'made by the producer'],
      ['whole class', 'no clear images'],
    ])
  })
})
