import { beforeAll, describe, expect, test } from 'vitest'
import type { Alert } from '../../../functions/core/alert.ts'
import { MAX_TEXT_LENGTH } from '../../../functions/core/event-fields.ts'
import { DAY_MS } from '../../../functions/core/time.ts'
import type { SpeedStore } from '../../../functions/ports/speed-store.ts'

import { alertAt, freshClass, ODD_NAMES, query, type Stores, times } from './factories.ts'

/** Contract tests of alerts. */
export function describeAlerts(stores: () => Stores): void {
  let store: SpeedStore
  let rival: SpeedStore
  beforeAll(() => {
    ;({ store, rival } = stores())
  })

  describe('alerts', () => {
    test('come newest first; alerts of the same time come in descending order of their images', async () => {
      const className = freshClass()
      const alerts = [3, 1, 2, 2, 2].map((second, index) => alertAt(className, second, `image-${index}`))
      await store.putAlerts(alerts)
      const [a, b, c, d, e] = alerts as [Alert, Alert, Alert, Alert, Alert]
      expect(await rival.readAlerts(query(className, 10))).toEqual([a, e, d, c, b])
      expect(await rival.readAlerts(query(className, 3))).toEqual([a, e, d])
      expect(await rival.readAlerts(query(className, 0))).toEqual([])
      expect(await rival.readAlerts({ ...query(className, 10), upToMs: c.eventMs })).toEqual([e, d, c, b])
      expect(await rival.readAlerts({ ...query(className, 2), upToMs: c.eventMs })).toEqual([e, d])
      expect(await rival.readAlerts({ ...query(className, 10), upToMs: b.eventMs - 1 })).toEqual([])
    })

    test('are stored once if they are written twice', async () => {
      const className = freshClass()
      const alert = alertAt(className, 1, 'image')
      await store.putAlerts([alert, alert])
      await rival.putAlerts([alert])
      expect(await store.readAlerts(query(className, 10))).toEqual([alert])
    })

    test('with the same key and different content are stored as one of the two, complete', async () => {
      const className = freshClass()
      const alert = alertAt(className, 1, 'image')
      const other: Alert = { ...alert, rule: 'image-range', score: -7, baselineVersion: 9, ndviMin: null }
      await store.putAlerts([alert])
      await store.putAlerts([other])
      const found = await store.readAlerts(query(className, 10))
      expect(found).toHaveLength(1)
      expect([alert, other]).toContainEqual(found[0])
    })

    test('are separated by class and by day', async () => {
      const className = freshClass()
      const alert = alertAt(className, 1, 'image')
      const nextDay = { ...alert, day: '2026-11-23', eventMs: alert.eventMs + DAY_MS }
      const otherClass = { ...alert, className: freshClass() }
      await store.putAlerts([alert, nextDay, otherClass])
      expect(await store.readAlerts(query(className, 10))).toEqual([alert])
      expect(
        await store.readAlerts({ className, day: '2026-11-23', upToMs: Number.MAX_SAFE_INTEGER, limit: 10 }),
      ).toEqual([nextDay])
      expect(
        await store.readAlerts({ className, day: '2026-11-24', upToMs: Number.MAX_SAFE_INTEGER, limit: 10 }),
      ).toEqual([])
    })

    test('keep values that were not measured, negative values, and unusual names', async () => {
      const className = `${freshClass()} O'Brien "草地" 🌲`
      const alerts = ODD_NAMES.filter(imageId => imageId !== '').map((imageId, index) => ({
        ...alertAt(className, index, imageId),
        ndviMean: -1_000_000,
        ndviMin: null,
        ndviMax: null,
        score: -2.000000000000001,
      }))
      await store.putAlerts(alerts)
      expect(await store.readAlerts(query(className, 100))).toEqual(alerts.toReversed())
    })

    test('can be written by the hundred with the longest names, or none at all', async () => {
      const className = freshClass().padEnd(MAX_TEXT_LENGTH, '草')
      const alerts = times(500, index => alertAt(className, index, String(index).padEnd(MAX_TEXT_LENGTH, '草')))
      await store.putAlerts([])
      await store.putAlerts(alerts)
      expect(await store.readAlerts(query(className, 1_000))).toEqual(alerts.toReversed())
    })
  })
}
