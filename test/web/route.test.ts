import { expect, it } from 'vitest'
import { routeOf, siteHref } from '../../web/view-models/route.ts'

it('reads the part of the page from the address; places within the overview are the overview', () => {
  for (const hash of ['', '#', '#/', '#content', '#trust-title', '#/sites/', '#/else']) {
    expect(routeOf(hash)).toEqual({ name: 'overview' })
  }
  expect(routeOf('#/map')).toEqual({ name: 'map' })
  expect(routeOf('#/sites/field-1')).toEqual({ name: 'site', siteId: 'field-1' })
  expect(routeOf('#/sites/50%')).toEqual({ name: 'site', siteId: '50%' })
})

it.each(['field 1/é', '13:-52', 'a?b#c%2F', '../x', 'م'])('the address of a site leads to it: %s', siteId => {
  expect(routeOf(new URL(siteHref(siteId), 'http://localhost/').hash)).toEqual({ name: 'site', siteId })
})
