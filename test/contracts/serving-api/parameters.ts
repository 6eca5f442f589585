import { describe, expect, it } from 'vitest'
import { SECOND_MS } from '../../../functions/core/time.ts'
import { CLASSES, NOON_MS } from '../../support/factories.ts'

import { image, type OpenApi } from './open-api.ts'

/** Contract tests of ranges, classes and pages that a request names. */
export function describeParameters(openApi: OpenApi): void {
  it('has no further page for an invalid cursor', async () => {
    const { ask } = await openApi()
    for (const after of ['nonsense', Buffer.from('[1]').toString('base64url')]) {
      const { status, body } = await ask('/api/anomalies', { query: { after } })
      expect([status, JSON.parse(body).detail]).toEqual([404, expect.stringContaining('after: there is no such page')])
    }
  })

  it.each(['/api/windows', '/api/anomalies'])('%s accepts a start long ago', async path => {
    const { ask } = await openApi()
    expect(await ask(path, { query: { from: '1970-01-01T00:00:00Z' } })).toMatchObject({ status: 200, body: '[]' })
  })

  describe('a range that is too long', () => {
    it.each([
      ['/api/windows', '1970-01-01', '2026-11-22', '2025-11-21T00:00:00.000Z/2026-11-22T00:00:00.000Z'],
      ['/api/windows', '2026-11-21', '2026-11-22', '2026-11-21T00:00:00.000Z/2026-11-22T00:00:00.000Z'],
      ['/api/anomalies', '2026-01-01', '2026-11-22', '2026-10-22T00:00:00.000Z/2026-11-22T00:00:00.000Z'],
      ['/api/anomalies', '2026-11-21', '2026-11-22', '2026-11-21T00:00:00.000Z/2026-11-22T00:00:00.000Z'],
      ['/api/batch/days', '1970-01-01', '2026-11-22', '2025-11-22/2026-11-22'],
      ['/api/batch/days', '2026-11-21', '2026-11-22', '2026-11-21/2026-11-22'],
    ])('of %s from %s to %s is answered for its newest part, which the header says', async (path, from, to, range) => {
      const { ask } = await openApi()
      const { status, headers } = await ask(path, { query: { from, to } })
      expect([status, headers['Landcover-Range']]).toEqual([200, range])
    })

    it('ends now, or at the newest image, when the request names no end', async () => {
      const { ask, append, speed } = await openApi()
      await speed([append(image('Forest', NOON_MS))])
      const endOf = async (path: string) => {
        const { headers, body } = await ask(path, { query: { from: '1970-01-01' } })
        return [headers['Landcover-Range'], JSON.parse(body).length]
      }
      expect(await endOf('/api/windows')).toEqual(['2025-11-21T12:00:00.001Z/2026-11-22T12:00:00.001Z', 1])
      expect(await endOf('/api/anomalies')).toEqual(['2026-10-22T12:00:00.001Z/2026-11-22T12:00:00.001Z', 0])
    })
  })

  describe('a class that is not known', () => {
    it.each([
      ['/api/windows', {}],
      ['/api/anomalies', {}],
      ['/api/batch/days', { from: '2026-11-21', to: '2026-11-22' }],
      ['/api/batch/separability', {}],
    ])('is a 404 of %s that lists near names', async (path, query) => {
      const { ask, json } = await openApi()
      const { status, headers } = await ask(path, { query: { ...query, class: 'forst' } })
      expect([status, headers['Content-Type']]).toEqual([404, 'application/problem+json'])
      expect(await json(path, { query: { ...query, class: 'forst' } })).toMatchObject({
        detail: 'class: "forst" is not known; near names are "Forest". GET /api/classes has all names',
        near: ['Forest'],
      })
      expect(await json(path, { query: { ...query, class: 'Moon' } })).toMatchObject({
        detail: 'class: "Moon" is not known; no name is near it. GET /api/classes has all names',
        near: [],
      })
    })

    it('is a 404 also while a class without images is an empty answer', async () => {
      const { ask } = await openApi()
      expect(await ask('/api/windows', { query: { class: 'SeaLake' } })).toMatchObject({ status: 200, body: '[]' })
    })
  })

  describe('the classes', () => {
    it('are those of the list, with their images, counted at most once in ten seconds', async () => {
      let reads = 0
      const { json, clock, append, speed } = await openApi(({ store }) => ({
        classes: async () => new Map([...[...CLASSES.keys()].map(name => [name, 0] as const), ['New', NOON_MS]]),
        store: {
          ...store,
          readRows(...asked) {
            reads++
            return store.readRows(...asked)
          },
        },
      }))
      await speed([append(image('Forest', NOON_MS)), append(image('Forest', NOON_MS))])
      const rows = (await json('/api/classes')) as { class_name: string }[]
      expect(rows.map(({ class_name }) => class_name)).toEqual([...CLASSES.keys(), 'New'].sort())
      const always = '1970-01-01T00:00:00.000Z'
      expect(rows).toContainEqual({ class_name: 'Forest', known_since: always, count: 2 })
      expect(rows).toContainEqual({ class_name: 'New', known_since: '2026-11-22T12:00:00.000Z', count: 0 })
      const before = reads
      await speed([append(image('Forest', NOON_MS))])
      clock.nowMs += 9 * SECOND_MS
      expect(await json('/api/classes')).toEqual(rows)
      expect(reads).toBe(before)
      clock.nowMs += SECOND_MS
      expect(await json('/api/classes')).toContainEqual({ class_name: 'Forest', known_since: always, count: 3 })
    })
  })
}
