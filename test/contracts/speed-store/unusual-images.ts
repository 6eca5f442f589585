import { beforeAll, describe, expect, test } from 'vitest'
import { MAX_TEXT_LENGTH } from '../../../functions/core/event-fields.ts'
import { DAY_MS } from '../../../functions/core/time.ts'
import type { UnusualImage } from '../../../functions/core/unusual-image.ts'
import type { SpeedStore } from '../../../functions/ports/speed-store.ts'

import { freshClass, ODD_NAMES, query, type Stores, times, unusualImageAt } from './factories.ts'

/** Contract tests of unusual images. */
export function describeUnusualImages(stores: () => Stores): void {
  let store: SpeedStore
  let rival: SpeedStore
  beforeAll(() => {
    ;({ store, rival } = stores())
  })

  describe('unusual images', () => {
    test('come newest first; unusual images of the same time come in descending order of their images', async () => {
      const className = freshClass()
      const unusualImages = [3, 1, 2, 2, 2].map((second, index) => unusualImageAt(className, second, `image-${index}`))
      await store.putUnusualImages(unusualImages)
      const [a, b, c, d, e] = unusualImages as [UnusualImage, UnusualImage, UnusualImage, UnusualImage, UnusualImage]
      expect(await rival.readUnusualImages(query(className, 10))).toEqual([a, e, d, c, b])
      expect(await rival.readUnusualImages(query(className, 3))).toEqual([a, e, d])
      expect(await rival.readUnusualImages(query(className, 0))).toEqual([])
      expect(await rival.readUnusualImages({ ...query(className, 10), upToMs: c.eventMs })).toEqual([e, d, c, b])
      expect(await rival.readUnusualImages({ ...query(className, 2), upToMs: c.eventMs })).toEqual([e, d])
      expect(await rival.readUnusualImages({ ...query(className, 10), upToMs: b.eventMs - 1 })).toEqual([])
    })

    test('are stored once if they are written twice', async () => {
      const className = freshClass()
      const image = unusualImageAt(className, 1, 'image')
      await store.putUnusualImages([image, image])
      await rival.putUnusualImages([image])
      expect(await store.readUnusualImages(query(className, 10))).toEqual([image])
    })

    test('with the same key and different content are stored as one of the two, complete', async () => {
      const className = freshClass()
      const image = unusualImageAt(className, 1, 'image')
      const other: UnusualImage = { ...image, rule: 'image-range', score: -7, baselineVersion: 9, ndviMin: null }
      await store.putUnusualImages([image])
      await store.putUnusualImages([other])
      const found = await store.readUnusualImages(query(className, 10))
      expect(found).toHaveLength(1)
      expect([image, other]).toContainEqual(found[0])
    })

    test('are separated by class and by day', async () => {
      const className = freshClass()
      const image = unusualImageAt(className, 1, 'image')
      const nextDay = { ...image, day: '2026-11-23', eventMs: image.eventMs + DAY_MS }
      const otherClass = { ...image, className: freshClass() }
      await store.putUnusualImages([image, nextDay, otherClass])
      expect(await store.readUnusualImages(query(className, 10))).toEqual([image])
      expect(
        await store.readUnusualImages({ className, day: '2026-11-23', upToMs: Number.MAX_SAFE_INTEGER, limit: 10 }),
      ).toEqual([nextDay])
      expect(
        await store.readUnusualImages({ className, day: '2026-11-24', upToMs: Number.MAX_SAFE_INTEGER, limit: 10 }),
      ).toEqual([])
    })

    test('keep values that were not measured, negative values, and unusual names', async () => {
      const className = `${freshClass()} O'Brien "草地" 🌲`
      const unusualImages = ODD_NAMES.filter(imageId => imageId !== '').map((imageId, index) => ({
        ...unusualImageAt(className, index, imageId),
        ndviMean: -1_000_000,
        ndviMin: null,
        ndviMax: null,
        score: -2.000000000000001,
      }))
      await store.putUnusualImages(unusualImages)
      expect(await store.readUnusualImages(query(className, 100))).toEqual(unusualImages.toReversed())
    })

    test('can be written in hundreds with the longest names, and an empty list is accepted', async () => {
      const className = freshClass().padEnd(MAX_TEXT_LENGTH, '草')
      const unusualImages = times(500, index =>
        unusualImageAt(className, index, String(index).padEnd(MAX_TEXT_LENGTH, '草')),
      )
      await store.putUnusualImages([])
      await store.putUnusualImages(unusualImages)
      expect(await store.readUnusualImages(query(className, 1_000))).toEqual(unusualImages.toReversed())
    })
  })
}
