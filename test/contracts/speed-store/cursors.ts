import { beforeAll, describe, expect, test } from 'vitest'
import { newCursor } from '../../../functions/core/cursor.ts'
import { START, toPosition } from '../../../functions/core/lane.ts'
import { DAY_MS } from '../../../functions/core/time.ts'
import type { SpeedStore } from '../../../functions/ports/speed-store.ts'

import { cursorAt, freshLane, RIVALS, SLOT, type Stores, times } from './factories.ts'

/** Contract tests of cursors. */
export function describeCursors(stores: () => Stores): void {
  let store: SpeedStore
  let rival: SpeedStore
  let oneOfTwo: Stores['oneOfTwo']
  beforeAll(() => {
    ;({ store, rival, oneOfTwo } = stores())
  })

  describe('cursors', () => {
    test('has no cursor for a new lane', async () => {
      expect(await store.readCursor(freshLane())).toBeUndefined()
    })

    test('returns a new cursor, with null times and without producers', async () => {
      const cursor = newCursor(freshLane())
      expect(await store.createCursor(cursor)).toBe(true)
      expect(await store.readCursor(cursor.lane)).toEqual(cursor)
    })

    test('creates a cursor only if there is none', async () => {
      const first = cursorAt(freshLane(), 5)
      await store.createCursor(first)
      expect(await store.createCursor(cursorAt(first.lane, 9))).toBe(false)
      expect(await store.readCursor(first.lane)).toEqual(first)
    })

    test('lets exactly one of many processes create the cursor of a lane', async () => {
      const lane = freshLane()
      const cursors = times(RIVALS, index => cursorAt(lane, index))
      const created = await Promise.all(cursors.map((cursor, index) => oneOfTwo(index).createCursor(cursor)))
      expect(created.filter(Boolean)).toHaveLength(1)
      expect(await rival.readCursor(lane)).toEqual(cursors[created.indexOf(true)])
    })

    test('moves a cursor from its current position', async () => {
      const cursor = newCursor(freshLane())
      await store.createCursor(cursor)
      const next = cursorAt(cursor.lane, 7)
      expect(await store.moveCursor(next, START)).toBe(true)
      expect(await rival.readCursor(cursor.lane)).toEqual(next)
      const last = { ...cursorAt(cursor.lane, 8), lastArrivalMs: null, lastEventMs: null, lastHeartbeatDelayMs: null }
      expect(await rival.moveCursor(last, next.lastPosition)).toBe(true)
      expect(await store.readCursor(cursor.lane)).toEqual(last)
    })

    test('refuses to move a cursor from another position, and changes nothing', async () => {
      const cursor = cursorAt(freshLane(), 7)
      await store.createCursor(cursor)
      for (const stale of [START, toPosition(6), toPosition(8)]) {
        expect(await store.moveCursor(cursorAt(cursor.lane, 9), stale)).toBe(false)
      }
      expect(await store.readCursor(cursor.lane)).toEqual(cursor)
    })

    test('does not create a cursor by moving it', async () => {
      const lane = freshLane()
      expect(await store.moveCursor(cursorAt(lane, 1), START)).toBe(false)
      expect(await store.readCursor(lane)).toBeUndefined()
    })

    test('lets exactly one of many processes move a cursor from the same position', async () => {
      const from = cursorAt(freshLane(), 1)
      await store.createCursor(from)
      const next = times(RIVALS, index => cursorAt(from.lane, 2 + index))
      const moved = await Promise.all(
        next.map((cursor, index) => oneOfTwo(index).moveCursor(cursor, from.lastPosition)),
      )
      expect(moved.filter(Boolean)).toHaveLength(1)
      expect(await store.readCursor(from.lane)).toEqual(next[moved.indexOf(true)])
    })

    test('keeps thousands of producers', async () => {
      const producers = new Map(
        times(5_000, index => [`producer-${index}-${'x'.repeat(20)}`, [{ counter: index + 1, slot: SLOT }]]),
      )
      producers.set('__proto__', [{ counter: Number.MAX_SAFE_INTEGER, slot: 0 }])
      const cursor = { ...cursorAt(freshLane(), 1), producers }
      await store.createCursor(cursor)
      expect(await store.readCursor(cursor.lane)).toEqual(cursor)
    })

    test('distinguishes positions of 56 digits', async () => {
      const cursor = { ...cursorAt(freshLane(), 1), lastPosition: toPosition('9'.repeat(56)) }
      await store.createCursor(cursor)
      expect(await store.moveCursor(cursorAt(cursor.lane, 2), toPosition(`${'9'.repeat(55)}8`))).toBe(false)
      expect(await store.readCursor(cursor.lane)).toEqual(cursor)
    })

    test('keeps counts and times of any size', async () => {
      const most = Number.MAX_SAFE_INTEGER
      const cursor = {
        ...cursorAt(freshLane(), 1),
        quarantined: most,
        lastHeartbeatDelayMs: 400 * DAY_MS,
        lostRecords: most - 1,
        lastLossMs: most - 3,
      }
      await store.createCursor(cursor)
      expect(await store.readCursor(cursor.lane)).toEqual(cursor)
    })

    test('finds the cursors of all lanes', async () => {
      const cursors = times(60, index => cursorAt(freshLane(), index))
      await Promise.all(cursors.map(cursor => store.createCursor(cursor)))
      const found = new Map((await rival.readCursors()).map(cursor => [cursor.lane, cursor]))
      for (const cursor of cursors) expect(found.get(cursor.lane)).toEqual(cursor)
    })
  })
}
