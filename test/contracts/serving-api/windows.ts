import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../functions/core/time.ts'
import { WindowRow } from '../../../functions/serving/schemas.ts'
import { NOON_MS } from '../../support/factories.ts'

import { image, type OpenApi } from './open-api.ts'

/** Contract tests of series of windows, and of the join of both layers. */
export function describeWindows(openApi: OpenApi): void {
  describe('a series of windows', () => {
    it('covers a range, oldest first, and can be limited to a class', async () => {
      const { json, clock, append, speed } = await openApi()
      const times = [0, 5, 10, 25].map(minutes => NOON_MS + minutes * MINUTE_MS)
      clock.nowMs = NOON_MS + HOUR_MS
      await speed(times.flatMap(ms => [append(image('SeaLake', ms)), append(image('Forest', ms))]))
      const starts = (rows: WindowRow[]) =>
        rows.map(row => [WindowRow.parse(row).window_start.slice(11, 16), row.class_name, row.count])
      expect(starts(await json('/api/windows'))).toEqual([
        ['12:00', 'Forest', 2],
        ['12:00', 'SeaLake', 2],
        ['12:10', 'Forest', 1],
        ['12:10', 'SeaLake', 1],
        ['12:20', 'Forest', 1],
        ['12:20', 'SeaLake', 1],
      ])
      const range = { from: '2026-11-22T12:10:00Z', to: '2026-11-22T12:20:00Z', class: 'Forest' }
      expect(starts(await json('/api/windows', { query: range }))).toEqual([['12:10', 'Forest', 1]])
    })

    it('begins at a time, a day or milliseconds since 1970', async () => {
      const { json, append, speed } = await openApi()
      const midnightMs = Date.parse('2026-11-22T00:00:00Z')
      await speed([append(image('Forest', midnightMs - 1)), append(image('Forest', midnightMs))])
      for (const from of ['2026-11-22T00:00:00Z', '2026-11-22t01:00:00+01:00', '2026-11-22', String(midnightMs)]) {
        const rows: WindowRow[] = await json('/api/windows', { query: { from } })
        expect(
          rows.map(row => row.window_start),
          from,
        ).toEqual(['2026-11-22T00:00:00.000Z'])
      }
    })

    it('has daily values for older times, without a gap', async () => {
      const { json, pipeline, clock, append, heartbeat, speed, archive } = await openApi()
      const events = Array.from({ length: 12 }, (_, day) => ({ day, ms: NOON_MS + day * DAY_MS }))
      for (const { ms } of events) {
        clock.nowMs = ms + MINUTE_MS
        const records = [append(image('Forest', ms)), append(image('Forest', ms))]
        clock.nowMs += 3 * HOUR_MS
        records.push(heartbeat())
        await speed(records)
        await archive(records)
      }
      await pipeline.runBatch()
      const query = { from: new Date(NOON_MS - DAY_MS).toISOString(), to: new Date(clock.nowMs).toISOString() }
      const rows = (await json('/api/windows', { query })) as WindowRow[]
      expect(rows.map(({ count }) => count)).toEqual(events.map(() => 2))
      const lengths = rows.map(row => (Date.parse(row.window_end) - Date.parse(row.window_start)) / MINUTE_MS)
      expect(lengths).toEqual([...Array(4).fill(DAY_MS / MINUTE_MS), ...Array(8).fill(10)])
    })
  })

  describe('the joined answer', () => {
    it('says how fresh it is: the newest arrival, the end of the batch view, and the closed windows', async () => {
      const { ask, json, pipeline, clock, append, heartbeat, speed, archive } = await openApi()
      const told = async () => {
        const { headers } = await ask('/api/class-stats')
        return ['As-Of', 'Batch-Cut', 'Watermark'].map(name => headers[`Landcover-${name}`]?.slice(11, 19))
      }
      expect(await told()).toEqual([undefined, undefined, undefined])
      for (let hour = 0; hour < 4; hour++) {
        clock.nowMs = NOON_MS + hour * HOUR_MS
        const records = [append(image('Forest', clock.nowMs)), heartbeat()]
        await speed(records)
        await archive(records)
      }
      expect(await told()).toEqual(['15:00:00', undefined, '14:55:00'])
      await pipeline.runBatch()
      expect(await told()).toEqual(['15:00:00', '14:00:00', '14:55:00'])
      const { batch, watermark } = await json('/api/health')
      expect([batch.cut, watermark].map((time: string) => time.slice(11, 19))).toEqual(['14:00:00', '14:55:00'])
    })
  })

  describe('the newest windows', () => {
    it('include late images, which do not create another window', async () => {
      const { json, clock, append, speed } = await openApi()
      await speed(Array.from({ length: 10 }, () => append(image('Forest', NOON_MS))))
      clock.nowMs = NOON_MS + 3 * HOUR_MS
      await speed([append(image('Forest', NOON_MS, -0.9)), append(image('Forest', clock.nowMs))])
      const rows = (await json('/api/realtime/ndvi')) as WindowRow[]
      expect(rows.map(({ window_start, count }) => [window_start.slice(11, 16), count])).toEqual([['15:00', 1]])
      const query = { from: new Date(NOON_MS).toISOString() }
      expect((await json('/api/windows', { query })).map(({ count }: WindowRow) => count)).toEqual([11, 1])
    })
  })
}
