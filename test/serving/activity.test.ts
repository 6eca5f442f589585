import { describe, expect, it } from 'vitest'
import type { Lane } from '../../functions/core/lane.ts'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'
import { failureRegistry } from '../../functions/runtime/local/failure-registry.ts'
import { health } from '../../functions/serving/health.ts'
import { Health } from '../../functions/serving/schemas.ts'
import { collectingLogger } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'
import { openLanes } from '../support/pipeline.ts'

/** Time without a heartbeat after which a lane is silent. One is sent each minute. */
const SILENT_MS = 3 * MINUTE_MS + 30 * SECOND_MS

async function openTwoLanes() {
  const lanes = openLanes('stream', 2)
  const opened = await openOneLane({ slotMs: HOUR_MS, lanes })
  const [a, b] = lanes as [Lane, Lane]
  const { pipeline, clock } = opened
  const { serving } = pipeline
  return {
    ...opened,
    ...{ a, b, serving },
    reasons: async (changed: Partial<typeof serving.activity> = {}) => {
      const told = await health({ ...serving, activity: { ...serving.activity, ...changed } })
      expect(Health.parse(told).status).toBe(told.reasons.length > 0 ? 'degraded' : 'ok')
      return told.reasons
    },
    startedNow: () => ({ heartbeats: { everyMs: MINUTE_MS, sinceMs: clock.nowMs } }),
  }
}

describe('a lane without heartbeats', () => {
  it('is named with the length of its silence, after three missing heartbeats', async () => {
    const { a, b, clock, heartbeat, speed, reasons } = await openTwoLanes()
    await speed([heartbeat(a.name)])
    await speed([heartbeat(b.name)])
    clock.nowMs += SILENT_MS
    expect(await reasons()).toEqual([])
    await speed([heartbeat(a.name)])
    clock.nowMs++
    expect(await reasons()).toEqual([
      `Nothing comes through lane ${b.name} (210 s), although a heartbeat is sent every 60 s: records that arrive there are not counted, and windows do not close.`,
    ])
    await speed([heartbeat(b.name)])
    expect(await reasons()).toEqual([])
  })

  it('is not a fault while the lane is closed', async () => {
    const { a, b, clock, heartbeat, speed, reasons } = await openTwoLanes()
    await speed([heartbeat(a.name)])
    await speed([heartbeat(b.name)])
    b.closed = true
    clock.nowMs += SILENT_MS + 1
    await speed([heartbeat(a.name)])
    expect(await reasons()).toEqual([])
  })

  it('is named also when nothing ever came, once this process has known it long enough', async () => {
    const { a, b, clock, heartbeat, speed, reasons } = await openTwoLanes()
    await speed([heartbeat(a.name)])
    expect(await reasons()).toEqual([])
    clock.nowMs += SILENT_MS
    await speed([heartbeat(a.name)])
    expect(await reasons()).toEqual([])
    clock.nowMs += SECOND_MS
    expect(await reasons()).toEqual([expect.stringContaining(`lane ${b.name} (211 s), although`)])
  })

  it('does not count the time in which the system was off', async () => {
    const { a, b, clock, heartbeat, speed, reasons, startedNow } = await openTwoLanes()
    await speed([heartbeat(a.name)])
    await speed([heartbeat(b.name)])
    clock.nowMs += HOUR_MS
    const started = startedNow()
    clock.nowMs += SILENT_MS
    expect(await reasons(started)).toEqual([])
    clock.nowMs++
    expect(await reasons(started)).toEqual([expect.stringContaining(`${a.name} (210 s), ${b.name} (210 s), although`)])
  })

  it('is one of at most five that are named; beyond these only the number is given', async () => {
    const lanes = openLanes('stream', 7)
    const { pipeline, clock } = await openOneLane({ slotMs: HOUR_MS, lanes })
    await health(pipeline.serving)
    clock.nowMs += SILENT_MS + 1
    const [reason = ''] = (await health(pipeline.serving)).reasons
    expect(lanes.map(({ name }) => reason.includes(`${name} (`))).toEqual([true, true, true, true, true, false, false])
    expect(reason).toContain(' and 2 more, although')
  })
})

describe('the work of this process', () => {
  it('is a reason while it fails, with the time since when and the number of failures, and no longer after a success', async () => {
    const { clock, reasons } = await openTwoLanes()
    const registry = failureRegistry(() => clock.nowMs)
    const { failing } = registry
    registry.failed('Compaction', new Error('disk full\nat a stack'))
    clock.nowMs += 40 * SECOND_MS
    registry.failed('Compaction', 'still full')
    clock.nowMs += 2 * SECOND_MS
    expect(await reasons({ failing })).toEqual([
      'Compaction fails: 2 times in a row, for 42 s. The last time: still full',
    ])
    registry.recovered('Compaction')
    expect(await reasons({ failing })).toEqual([])
    registry.failed('Compaction', new Error('disk full\nat a stack'))
    expect(await reasons({ failing })).toEqual([
      'Compaction fails: 1 times in a row, for 0 s. The last time: disk full',
    ])
  })

  it('is not a reason for a usual number of failures', () => {
    const registry = failureRegistry(() => 0)
    for (let count = 1; count <= 2; count++) registry.failed('Appending', 'busy', 2)
    expect(registry.failing()).toEqual([])
    registry.failed('Appending', 'busy', 2)
    expect(registry.failing()).toMatchObject([{ component: 'Appending', count: 3 }])
    registry.recovered('Appending')
    registry.failed('Appending', 'busy', 2)
    expect(registry.failing()).toEqual([])
  })

  it('is reported in the log when it works again after failures that health named, and only then', () => {
    const { lines, info } = collectingLogger()
    let nowMs = 0
    const registry = failureRegistry(() => nowMs, { info })
    registry.recovered('Appending')
    registry.failed('Appending', 'busy', 2)
    registry.recovered('Appending')
    expect(lines).toEqual([])
    for (let count = 1; count <= 4; count++) {
      registry.failed('Appending', 'busy', 2)
      nowMs += 1_000
    }
    registry.recovered('Appending')
    registry.recovered('Appending')
    expect(lines).toEqual([{ message: 'recovered', fields: { component: 'Appending', failures: 4, forMs: 4_000 } }])
  })

  it('is reported once for the batch run, whose own note says the same', async () => {
    const { serving } = await openTwoLanes()
    const registry = failureRegistry(() => 0)
    registry.failed('The batch run', new Error('out of memory'))
    const noted = { endedAt: '2026-11-22T12:00:00.000Z', error: 'out of memory', behind: [] }
    const activity = { ...serving.activity, failing: registry.failing }
    expect((await health({ ...serving, activity, lastRun: async () => noted })).reasons).toHaveLength(1)
    expect((await health({ ...serving, activity })).reasons).toHaveLength(1)
  })
})

describe('an acknowledged record that is not counted', () => {
  it('is the lag of a lane, although the log returns nothing', async () => {
    const { a, b, heartbeat, speed, serving } = await openTwoLanes()
    const beats = [heartbeat(a.name), heartbeat(b.name)] as const
    for (const beat of beats) await speed([beat])
    const asked: unknown[][] = []
    const activity = {
      ...serving.activity,
      acknowledgedBehindMs: (...of: unknown[]) => {
        asked.push(of)
        return of[0] === b.name ? 100_400 : null
      },
    }
    const told = Health.parse(await health({ ...serving, activity }))
    expect(told.speed.lag_ms).toBe(100_400)
    expect(told.reasons).toEqual(['Records wait for 100 s to be counted: the newest are missing.'])
    expect(asked).toEqual(beats.map(({ lane, position }) => [lane, position]))
  })
})

it('a class list that cannot be read is a reason at once', async () => {
  const { serving } = await openTwoLanes()
  const readClasses = () => Promise.reject(new Error('the object reference/classes.csv is not readable'))
  expect((await health({ ...serving, readClasses })).reasons).toEqual([
    'The class list cannot be read: the object reference/classes.csv is not readable',
  ])
  const sites = () => Promise.reject(new Error('the object sites/versions/000000000001.json is damaged'))
  expect((await health({ ...serving, sites })).reasons).toEqual([
    'The list of sites cannot be read: the object sites/versions/000000000001.json is damaged',
  ])
})

it.each(['lanes', 'lastRun', 'waiting', 'views'] as const)(
  'health still answers when %s cannot be read, and says so',
  async part => {
    const { a, heartbeat, speed, serving } = await openTwoLanes()
    await speed([heartbeat(a.name)])
    const broken = () => Promise.reject(new Error('the disk is on fire'))
    const change = part === 'views' ? { views: { ...serving.views, chain: broken } } : { [part]: broken }
    const told = Health.parse(await health({ ...serving, ...change }))
    expect(told.reasons).toEqual([expect.stringContaining('cannot be read: the disk is on fire')])
  },
)
