import { beforeEach, describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { logMetadataPublisher, openPublishedLogMetadata } from '../../functions/adapters/published-log-metadata.ts'
import { type Position, toPosition } from '../../functions/core/lane.ts'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const NOON_MS = Date.UTC(2026, 10, 25, 12)
const IDENTITY = 'image-events.1'
const LANES = ['0', '1'].map(partition => ({ name: `${IDENTITY}.${partition}`, parents: [], closed: false }))
const [FIRST, SECOND] = LANES.map(({ name }) => name) as [string, string]

describe('published metadata of a log', () => {
  let objects: ObjectStore
  let nowMs: number
  beforeEach(() => {
    objects = openFolderObjectStore(temporaryFolder())
    nowMs = NOON_MS
  })

  /** Sends a round of heartbeats at the current time. */
  async function beat(
    positions: Record<string, number>,
    { identity = IDENTITY, lanes = LANES, firstKept = new Map<string, Position>() } = {},
  ): Promise<void> {
    const found = Object.entries(positions).map(([lane, position]) => [lane, toPosition(position)] as const)
    await logMetadataPublisher(objects, identity)({ lanes, positions: new Map(found), firstKept }, nowMs)
  }
  const open = (slotMs = HOUR_MS) => openPublishedLogMetadata(objects, slotMs, () => nowMs)
  const cursor = (lane: string, position: number | null, lastArrivalMs: number | null = null) => {
    const lastPosition: Position = position === null ? '' : toPosition(position)
    return { lane, lastPosition, lastArrivalMs }
  }

  it('does not exist before the first heartbeat', async () => {
    await expect(open()).rejects.toThrow('log/outline.json is not there yet: the heartbeat function writes it')
  })

  it('has the identity and the lanes of the log', async () => {
    await beat({})
    const logMetadata = await open()
    expect(logMetadata.identity).toBe(IDENTITY)
    expect(await logMetadata.lanes()).toEqual(LANES)
  })

  it('follows the log: a new partition appears after the next heartbeat', async () => {
    await beat({}, { lanes: LANES.slice(0, 1) })
    const logMetadata = await open()
    expect(await logMetadata.lanes()).toHaveLength(1)
    await beat({})
    expect(await logMetadata.lanes()).toHaveLength(2)
  })

  it.each([
    [HOUR_MS, 10 * MINUTE_MS],
    [MINUTE_MS, 30 * SECOND_MS],
  ])('with slots of %i ms returns no lanes that are older than %i ms', async (slotMs, longestMs) => {
    await beat({})
    const logMetadata = await open(slotMs)
    nowMs += longestMs
    await expect(logMetadata.lanes()).resolves.toEqual(LANES)
    nowMs += 1
    await expect(logMetadata.lanes()).rejects.toThrow('the heartbeats have stopped')
  })

  it('lists no lanes of a log that was created again, if its reader was opened before', async () => {
    await beat({})
    const logMetadata = await open()
    await beat({}, { identity: 'image-events.2' })
    await expect(logMetadata.lanes()).rejects.toThrow('the log is another one now: image-events.2')
  })

  it('finds nothing waiting after a cursor that has the last heartbeat, or for a lane that no longer exists', async () => {
    await beat({ [FIRST]: 10, [SECOND]: 20 })
    const logMetadata = await open()
    expect(await logMetadata.waiting(cursor(FIRST, 10))).toEqual({ oldestMs: null, reason: null })
    expect(await logMetadata.waiting(cursor('image-events.0.7', 0))).toEqual({ oldestMs: null, reason: null })
  })

  it('returns the last heartbeat as the oldest waiting record for a cursor that has the one before', async () => {
    await beat({ [FIRST]: 10 })
    nowMs += MINUTE_MS
    await beat({ [FIRST]: 15 })
    const logMetadata = await open()
    expect(await logMetadata.waiting(cursor(FIRST, 12, NOON_MS + 1))).toEqual({
      oldestMs: NOON_MS + MINUTE_MS,
      reason: null,
    })
  })

  it('counts from the last record of a cursor that has neither heartbeat', async () => {
    await beat({ [FIRST]: 10 })
    nowMs += MINUTE_MS
    await beat({ [FIRST]: 15 })
    nowMs += MINUTE_MS
    await beat({ [FIRST]: 20 })
    const logMetadata = await open()
    expect(await logMetadata.waiting(cursor(FIRST, 3, NOON_MS - HOUR_MS))).toEqual({
      oldestMs: NOON_MS - HOUR_MS,
      reason: null,
    })
    expect(await logMetadata.waiting(cursor(FIRST, null))).toEqual({ oldestMs: NOON_MS + MINUTE_MS, reason: null })
  })

  it('returns the first position of a lane that the log still has, if the log can tell', async () => {
    await beat({}, { firstKept: new Map([[FIRST, toPosition(7)]]) })
    const logMetadata = await open()
    expect(await logMetadata.firstKept(FIRST)).toBe(toPosition(7))
    expect(await logMetadata.firstKept(SECOND)).toBeNull()
    await beat({}, { firstKept: new Map([[FIRST, toPosition(9)]]) })
    expect(await logMetadata.firstKept(FIRST)).toBe(toPosition(9))
  })

  it('keeps the earlier heartbeats of a lane that refused one', async () => {
    await beat({ [FIRST]: 10, [SECOND]: 20 })
    nowMs += MINUTE_MS
    await beat({ [SECOND]: 21 })
    const logMetadata = await open()
    expect(await logMetadata.waiting(cursor(FIRST, 10))).toEqual({ oldestMs: null, reason: null })
    expect(await logMetadata.waiting(cursor(FIRST, 9, NOON_MS - 1))).toEqual({ oldestMs: NOON_MS - 1, reason: null })
  })
})
