import { beforeEach, describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { expiredBefore } from '../../functions/batch/expiry.ts'
import { pruneViews, publishView, READERS_MS, type View } from '../../functions/batch/view.ts'
import { viewReader } from '../../functions/batch/view-reader.ts'
import { SPEED_RETENTION_MS } from '../../functions/core/retention.ts'
import { formatTimestamp, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { NOON_MS } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe('rows expire', () => {
  let objects: ObjectStore
  let revision: number
  beforeEach(() => {
    objects = openFolderObjectStore(temporaryFolder())
    revision = 0
  })

  /** Publishes a view as a run does. */
  async function publish(publishedMs: number, cut: number): Promise<void> {
    const view = { revision: ++revision, cut, classesKey: `classes-${revision}`, parts: {} }
    const published = { ...view, publishedAt: formatTimestamp(publishedMs) } as View
    expect(await publishView(objects, published)).toBe(true)
    await pruneViews(objects, published)
  }

  /** @param ttlMs 0: only the view's count decides */
  const expired = (nowMs: number, ttlMs = 0) => expiredBefore(nowMs, viewReader(objects), ttlMs)

  it.each([
    ['an hour', HOUR_MS],
    ['a minute', MINUTE_MS],
    ['five seconds', 5 * SECOND_MS],
  ])('up to the cut of the newest view that all running requests already use, in slots of %s', async (_, slotMs) => {
    const views = Math.ceil((2 * READERS_MS) / slotMs) + 1
    const publishedMs = Array.from({ length: views }, (_, index) => NOON_MS + index * slotMs)
    for (const ms of publishedMs) await publish(ms, ms - 2 * slotMs)
    const nowMs = publishedMs.at(-1) as number
    const newest = publishedMs.findLast(ms => ms <= nowMs - READERS_MS) as number
    expect(await expired(nowMs)).toBe(newest - 2 * slotMs)
    expect(await expired(nowMs + slotMs - 1)).toBeGreaterThanOrEqual(newest - 2 * slotMs)
  })

  it('only when they are also old enough', async () => {
    await publish(NOON_MS, NOON_MS - HOUR_MS)
    expect(await expired(NOON_MS + READERS_MS, SPEED_RETENTION_MS)).toBe(NOON_MS + READERS_MS - SPEED_RETENTION_MS)
  })

  it('only after the first view has existed as long as an answer may take', async () => {
    expect(await expired(NOON_MS)).toBe(0)
    await publish(NOON_MS, NOON_MS - HOUR_MS)
    expect(await expired(NOON_MS + READERS_MS - 1)).toBe(0)
    expect(await expired(NOON_MS + READERS_MS)).toBe(NOON_MS - HOUR_MS)
  })

  it('as before when a view with the same cut follows', async () => {
    await publish(NOON_MS, NOON_MS - HOUR_MS)
    await publish(NOON_MS + READERS_MS, NOON_MS - HOUR_MS)
    expect(await expired(NOON_MS + READERS_MS + 1)).toBe(NOON_MS - HOUR_MS)
  })

  it('while older views are deleted, too', async () => {
    for (let index = 0; index < 130; index++) await publish(NOON_MS + index * HOUR_MS, NOON_MS)
    const kept = await Array.fromAsync(objects.list('views/'))
    expect(kept).toHaveLength(100)
  })
})
