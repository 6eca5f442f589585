import { describe, expect, it } from 'vitest'
import { DAY_MS, dayOf, HOUR_MS, MINUTE_MS } from '../../../functions/core/time.ts'
import type { UnusualImage } from '../../../functions/core/unusual-image.ts'
import type { AnomalyRow } from '../../../functions/serving/schemas.ts'
import { CLASSES, NOON_MS } from '../../support/factories.ts'

import { image, type OpenApi } from './open-api.ts'

/** Contract tests of anomalies. */
export function describeAnomalies(openApi: OpenApi): void {
  describe('anomalies', () => {
    const unusual = (
      className: string,
      eventMs: number,
      imageId: string,
      changes: Partial<UnusualImage> = {},
    ): UnusualImage => ({
      ...{ className, eventMs, imageId, day: dayOf(eventMs) },
      ...{ ndviMean: 100_000, ndviMin: null, ndviMax: null, rule: 'class-zscore', score: -3, baselineVersion: 1 },
      ...changes,
    })

    async function openWith(unusualImages: UnusualImage[]) {
      const api = await openApi()
      api.clock.nowMs = NOON_MS + MINUTE_MS
      await api.speed([api.append(image('Forest', NOON_MS))])
      await api.pipeline.store.putUnusualImages(unusualImages)
      return api
    }

    it('come in pages that together contain each of them once, in order', async () => {
      const classes = [...CLASSES.keys()]
      const unusualImages = Array.from({ length: 500 }, (_, at) =>
        // Some have the same time, and at one time there are more than one read returns.
        unusual(
          classes[at % classes.length] as string,
          NOON_MS - (at < 240 ? 0 : Math.floor(at / 7) * HOUR_MS),
          `image-${at}`,
        ),
      )
      const { ask } = await openWith(unusualImages)
      const seen: string[] = []
      let path = '/api/anomalies?limit=37'
      for (let pages = 0; path; pages++) {
        expect(pages).toBeLessThan(20)
        const url = new URL(path, 'http://localhost/api/anomalies')
        const { headers, body } = await ask(url.pathname, { query: Object.fromEntries(url.searchParams) })
        for (const row of JSON.parse(body) as AnomalyRow[]) seen.push(`${row.timestamp} ${row.image_id.padStart(10)}`)
        path = /^<([^>]+)>; rel="next"$/.exec(headers.Link ?? '')?.[1] ?? ''
      }
      expect(seen).toHaveLength(500)
      expect(new Set(seen).size).toBe(500)
      const times = seen.map(each => each.slice(0, 24))
      expect(times).toEqual([...times].sort().reverse())
    })

    it('of the first and the last millisecond of a day are there', async () => {
      const midnightMs = NOON_MS - 12 * HOUR_MS
      const times = [midnightMs, midnightMs - 1, midnightMs - DAY_MS, midnightMs - DAY_MS - 1]
      const { ask } = await openWith(times.map((eventMs, at) => unusual('Forest', eventMs, `image-${at}`)))
      const rows = JSON.parse((await ask('/api/anomalies')).body) as AnomalyRow[]
      expect(rows.map(({ timestamp }) => Date.parse(timestamp))).toEqual(times)
    })

    it('come in pages in the order of the store, for any image names', async () => {
      const names = ['tile-🛰', 'tile-Ａ', 'tile-a', '衛'.repeat(256)]
      const { ask } = await openWith(names.map(name => unusual('Forest', NOON_MS, name)))
      const seen: string[] = []
      let query: Record<string, string> = { limit: '1' }
      for (let pages = 0; pages < 9; pages++) {
        const { status, headers, body } = await ask('/api/anomalies', { query })
        expect(status, body).toBe(200)
        seen.push(...(JSON.parse(body) as AnomalyRow[]).map(row => row.image_id))
        const next = /^<\?([^>]+)>/.exec(headers.Link ?? '')?.[1]
        if (!next) break
        query = Object.fromEntries(new URLSearchParams(next))
      }
      expect(seen).toHaveLength(4)
      expect(new Set(seen)).toEqual(new Set(names))
    })

    it('need a bounded number of reads, and say where to continue', async () => {
      const unusualImages = Array.from({ length: 3_000 }, (_, at) =>
        unusual('Forest', NOON_MS - at * MINUTE_MS, `image-${at}`),
      )
      unusualImages.push(unusual('Forest', NOON_MS - 5 * DAY_MS, 'far', { score: 99 }))
      let reads = 0
      const { ask, pipeline, append, speed } = await openApi(({ store }) => ({
        store: {
          ...store,
          readUnusualImages(query) {
            reads++
            return store.readUnusualImages(query)
          },
        },
      }))
      await speed([append(image('Forest', NOON_MS))])
      await pipeline.store.putUnusualImages(unusualImages)
      const seen: string[] = []
      let query: Record<string, string> = { min_score: '50' }
      for (let pages = 0; ; pages++) {
        expect(pages).toBeLessThan(30)
        reads = 0
        const { headers, body } = await ask('/api/anomalies', { query })
        expect(reads).toBeLessThanOrEqual(210)
        seen.push(...(JSON.parse(body) as AnomalyRow[]).map(row => row.image_id))
        const next = /^<\?([^>]+)>/.exec(headers.Link ?? '')?.[1]
        if (!next) break
        query = Object.fromEntries(new URLSearchParams(next))
      }
      expect(seen).toEqual(['far'])
    })

    it('can be filtered by class, rule, range and score', async () => {
      const { json } = await openWith([
        unusual('Forest', NOON_MS, 'a'),
        unusual('Forest', NOON_MS - HOUR_MS, 'b', { score: 5 }),
        unusual('SeaLake', NOON_MS - 2 * HOUR_MS, 'c', { rule: 'image-range' }),
        unusual('Forest', NOON_MS - 26 * HOUR_MS, 'd', { score: -6 }),
      ])
      const found = async (query: Record<string, string>) =>
        ((await json('/api/anomalies', { query })) as AnomalyRow[]).map(row => row.image_id).join('')
      expect(await found({})).toBe('abcd')
      expect(await found({ class: 'Forest' })).toBe('abd')
      expect(await found({ rule: 'image-range' })).toBe('c')
      expect(await found({ min_score: '4.5' })).toBe('bd')
      expect(await found({ from: new Date(NOON_MS - 2 * HOUR_MS).toISOString() })).toBe('abc')
      expect(await found({ to: new Date(NOON_MS).toISOString() })).toBe('bcd')
      expect(await found({ limit: '2' })).toBe('ab')
    })
  })
}
