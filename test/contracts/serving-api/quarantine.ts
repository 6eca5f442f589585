import { describe, expect, it } from 'vitest'
import { newCursor } from '../../../functions/core/cursor.ts'
import { MINUTE_MS, SECOND_MS } from '../../../functions/core/time.ts'
import { MOST_PAGED_LANES, type QuarantineRow } from '../../../functions/serving/schemas.ts'
import { NOON_MS } from '../../support/factories.ts'

import { image, type OpenApi, refused } from './open-api.ts'

/** Contract tests of what was refused. */
export function describeQuarantine(openApi: OpenApi): void {
  describe('the quarantine', () => {
    it('has what was refused, with its reason, its place and its first bytes as text', async () => {
      const { ask, json, clock, append, speed } = await openApi()
      const bad = '<img src=x onerror=alert(1)>'
      await speed([append(`${image('Forest', NOON_MS)}\n${bad}`)])
      clock.nowMs = NOON_MS + SECOND_MS
      await speed([append(image('Moon', NOON_MS)), append(Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x5c]))])
      const rows = (await json('/api/quarantine')) as QuarantineRow[]
      expect(rows.map(row => [row.reason, row.position, row.line])).toEqual([
        ['cannot-decompress', '3', null],
        ['unknown-class', '2', 0],
        ['not-json', '1', 1],
      ])
      expect(rows[0]).toMatchObject({ bytes: 5, beginning: '\\x1f\\x8b\\x08\\x00\\\\' })
      expect(rows[2]).toMatchObject({
        arrived_at: '2026-11-22T12:00:00.000Z',
        detail: expect.stringMatching(/./),
        bytes: bad.length,
        beginning: bad,
      })
      expect((await ask('/api/quarantine')).headers).toMatchObject({ 'Content-Type': 'application/json' })
    })

    it('comes in pages that together contain each entry once, newest first, from all lanes or one', async () => {
      const { ask, pipeline } = await openApi()
      const lanes = ['lane-a', 'lane-b', 'lane-c']
      for (const lane of lanes) await pipeline.store.createCursor(newCursor(lane))
      const entries = Array.from({ length: 90 }, (_, at) =>
        // Several have the same time, and the hours have gaps.
        refused(lanes[at % (at < 30 ? 1 : 3)] as string, at, NOON_MS + Math.floor(at / 4) * 17 * MINUTE_MS),
      )
      await pipeline.store.quarantine(entries)
      const pages = async (query: Record<string, string>) => {
        const rows: QuarantineRow[] = []
        for (let next: Record<string, string> | null = query; next; ) {
          expect(rows.length).toBeLessThan(entries.length)
          const { headers, body } = await ask('/api/quarantine', { query: next })
          rows.push(...(JSON.parse(body) as QuarantineRow[]))
          const link = /^<\?([^>]+)>/.exec(headers.Link ?? '')?.[1]
          next = link === undefined ? null : Object.fromEntries(new URLSearchParams(link))
        }
        return rows
      }
      for (const limit of ['7', '30', '100']) {
        const rows = await pages({ limit })
        expect(new Set(rows.map(row => row.position)).size).toBe(90)
        expect(rows).toHaveLength(90)
        const times = rows.map(row => row.arrived_at)
        expect(times).toEqual([...times].sort().reverse())
        const ofLane = await pages({ limit, lane: 'lane-b' })
        expect(ofLane).toEqual(rows.filter(({ lane }) => lane === 'lane-b'))
      }
    })

    it('is bounded in rows and bytes, for any refused records', async () => {
      const { ask, pipeline } = await openApi()
      const lanes = Array.from({ length: MOST_PAGED_LANES + 1 }, (_, at) => `lane-${at}`)
      for (const lane of lanes) await pipeline.store.createCursor(newCursor(lane))
      const entries = lanes.flatMap((lane, at) =>
        Array.from({ length: 20 }, (_, line) => ({
          ...refused(lane, at, NOON_MS, line),
          bytes: Buffer.alloc(100_000, 0xff),
        })),
      )
      await pipeline.store.quarantine(entries)
      const { headers, body } = await ask('/api/quarantine', { query: { limit: '100' } })
      expect(JSON.parse(body)).toHaveLength(100)
      expect(body.length).toBeLessThan(300_000)
      // A place in each lane would make the address too long.
      expect(headers).not.toHaveProperty('Link')
      const last = await ask('/api/quarantine', { query: { lane: 'lane-15', limit: '19' } })
      expect(last.headers.Link).toMatch(/after=/)
    })

    it('names what it does not know', async () => {
      const { ask } = await openApi()
      const place = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const refusals: Record<string, string>[] = [
        { lane: 'nowhere' },
        { after: 'nonsense' },
        { after: place([['lane', -1, '1', null]]) },
        { after: place([['lane', 9e15, '1', null]]) },
        { after: place([['lane', 1, 'x', null]]) },
      ]
      for (const query of refusals) {
        const { status, body } = await ask('/api/quarantine', { query })
        expect([status, JSON.parse(body).detail]).toEqual([404, expect.stringMatching(/^(lane|after): there is no/)])
      }
      expect((await ask('/api/quarantine', { query: { limit: '101' } })).status).toBe(400)
    })
  })
}
