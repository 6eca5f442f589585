import { describe, expect, it } from 'vitest'
import { encodeClasses } from '../../functions/batch/history-files.ts'
import { publishView } from '../../functions/batch/view.ts'
import type { Lane } from '../../functions/core/lane.ts'
import { DEFAULT_LATENESS_MS } from '../../functions/core/lateness.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import { realtimeNdvi } from '../../functions/serving/answers.ts'
import { health } from '../../functions/serving/health.ts'
import { Health, WindowRow } from '../../functions/serving/schemas.ts'
import { emptyView, NOON_MS, wireEvent } from '../support/factories.ts'
import { openOneLane } from '../support/one-lane.ts'
import { openLanes } from '../support/pipeline.ts'

const SLOT_MS = HOUR_MS
const iso = (ms: number) => new Date(ms).toISOString()
const taken = (ms: number, changes = {}) => JSON.stringify(wireEvent({ timestamp: iso(ms), ...changes }))

describe('health', () => {
  it('of a new system is ok, without a watermark', async () => {
    const { pipeline } = await openOneLane({ slotMs: SLOT_MS })
    expect(Health.parse(await health(pipeline.serving))).toMatchObject({
      status: 'ok',
      reasons: [],
      watermark: null,
      speed: { lag_ms: null, lanes: [] },
      quarantine: { count: 0 },
    })
  })

  it("shows the watermark, and the delay of each lane's last heartbeat", async () => {
    const lanes = openLanes('stream', 2)
    const [a, b] = lanes.map(({ name }) => name) as [string, string]
    const { pipeline, clock, append, heartbeat, speed } = await openOneLane({ slotMs: SLOT_MS, lanes })
    await speed([append(taken(NOON_MS), a)])
    expect((await health(pipeline.serving)).watermark).toBeNull()
    const beats = [heartbeat(a), heartbeat(b)] as const
    clock.nowMs += 80
    await speed([beats[0]])
    clock.nowMs += 40
    await speed([beats[1]])
    const answer = Health.parse(await health(pipeline.serving))
    expect(answer.watermark).toBe(iso(NOON_MS - DEFAULT_LATENESS_MS))
    expect(answer.speed.lanes.map(({ lane, end_to_end_delay_ms }) => [lane, end_to_end_delay_ms])).toEqual([
      [a, 80],
      [b, 120],
    ])
  })

  it('of a source that is a day late is ok, and has its allowed lateness and its newest image', async () => {
    const lateness = [{ since: 0, ms: 2 * DAY_MS }]
    const { pipeline, clock, append, heartbeat, speed } = await openOneLane({ slotMs: SLOT_MS, lateness })
    const told = async () => Health.parse(await health(pipeline.serving))
    expect(await told()).toMatchObject({ allowed_lateness_ms: 2 * DAY_MS, latest_image_at: null })
    const pass = NOON_MS - 30 * HOUR_MS
    await speed([append(taken(pass)), heartbeat()])
    const seen = { watermark: iso(NOON_MS - 2 * DAY_MS), latest_image_at: iso(pass) }
    expect(await told()).toMatchObject({ status: 'ok', reasons: [], ...seen, speed: { lag_ms: 0 } })
    // Days without a scene: heartbeats come.
    clock.nowMs += 5 * DAY_MS
    await speed([heartbeat()])
    expect(await told()).toMatchObject({ status: 'ok', reasons: [], latest_image_at: iso(pass) })
  })

  it('of a source without delay has its allowed lateness, and no newest image: its windows follow the clock', async () => {
    const { pipeline, append, speed } = await openOneLane({ slotMs: SLOT_MS })
    await speed([append(taken(NOON_MS))])
    const told = Health.parse(await health(pipeline.serving))
    expect(told).toMatchObject({ allowed_lateness_ms: DEFAULT_LATENESS_MS, latest_image_at: null })
  })

  it('counts the quarantine of all lanes, including closed ones', async () => {
    const lanes = openLanes('stream', 2)
    const [a, b] = lanes as [Lane, Lane]
    const { pipeline, append, speed } = await openOneLane({ slotMs: SLOT_MS, lanes })
    await speed([append('nonsense', a.name), append(`[]\n${taken(NOON_MS)}\n{}`, a.name)])
    await speed([append('nonsense', b.name)])
    a.closed = true
    expect((await health(pipeline.serving)).quarantine).toEqual({ count: 4 })
    expect(await pipeline.quarantined()).toHaveLength(4)
  })

  it('says that compaction is behind, and why', async () => {
    const { pipeline } = await openOneLane({ slotMs: SLOT_MS })
    const behind = (slots: number, error: string | null) =>
      health({
        ...pipeline.serving,
        compaction: async () => ({ from: NOON_MS, behindMs: slots * SLOT_MS, error }),
      })
    expect((await behind(6, null)).reasons).toEqual([])
    expect((await behind(7, null)).reasons).toEqual([expect.stringContaining(`since ${iso(NOON_MS)} are not merged`)])
    expect((await behind(7, 'access denied')).reasons).toEqual([expect.stringContaining('it fails: access denied')])
  })

  it('says that the last batch run failed, when and why', async () => {
    const { pipeline } = await openOneLane({ slotMs: SLOT_MS })
    const lastRun = async () => ({ endedAt: iso(NOON_MS), error: 'the disk is full', behind: [] })
    const answer = await health({ ...pipeline.serving, lastRun })
    expect(answer.reasons).toEqual([`The last batch run, at ${iso(NOON_MS)}, failed: the disk is full`])
    expect(answer.batch).toMatchObject({ last_run_at: iso(NOON_MS), last_run_error: 'the disk is full' })
  })

  it.each([
    [60_000, []],
    [75_000, ['Records wait for 75 s to be counted: the newest are missing.']],
  ])('with a lag of %i ms gives the reasons %j', async (lagMs, reasons) => {
    const { pipeline, clock, append, speed } = await openOneLane({ slotMs: SLOT_MS })
    await speed([append(taken(NOON_MS))])
    const serving = { ...pipeline.serving, waiting: async () => ({ oldestMs: clock.nowMs - lagMs, reason: null }) }
    expect(Health.parse(await health(serving))).toMatchObject({
      status: reasons.length > 0 ? 'degraded' : 'ok',
      reasons,
      speed: { lag_ms: lagMs },
    })
  })

  it.each([
    [5 * MINUTE_MS, []],
    [
      6 * HOUR_MS,
      [
        `The newest record has arrived 360 minutes ahead of this machine's clock, at ${iso(NOON_MS)}: a clock was set back, or was wrong. Until the clock has caught up, new images may count as late.`,
      ],
    ],
  ])('with a newest arrival %i ms ahead of the clock gives the reasons %j', async (aheadMs, reasons) => {
    const { pipeline, heartbeat, speed } = await openOneLane({ slotMs: SLOT_MS })
    await speed([heartbeat()])
    expect((await health({ ...pipeline.serving, now: () => NOON_MS - aheadMs })).reasons).toEqual(reasons)
  })

  it('is bad from the first millisecond beyond five minutes ahead of the clock', async () => {
    const { pipeline, heartbeat, speed } = await openOneLane({ slotMs: SLOT_MS })
    await speed([heartbeat()])
    const at = (ms: number) => health({ ...pipeline.serving, now: () => NOON_MS - ms })
    expect((await at(5 * MINUTE_MS)).status).toBe('ok')
    expect((await at(5 * MINUTE_MS + 1)).status).toBe('degraded')
  })

  it.each([
    ['nothing waits', null, true],
    ['a record waits for a minute', 60_000, false],
    ['a record waits for longer', 60_001, true],
  ])('says why the log withholds records when %s: %j', async (_, waitsMs, isTold) => {
    const { pipeline, clock, append, speed } = await openOneLane({ slotMs: SLOT_MS, lanes: openLanes('stream', 2) })
    await speed([append(taken(NOON_MS))])
    const oldestMs = waitsMs === null ? null : clock.nowMs - waitsMs
    const waiting = async () => ({ oldestMs, reason: 'a transaction is open' })
    const { status, reasons, speed: lanes } = Health.parse(await health({ ...pipeline.serving, waiting }))
    expect(reasons.filter(reason => reason === 'The event log: a transaction is open.')).toHaveLength(isTold ? 1 : 0)
    expect(status).toBe(isTold ? 'degraded' : 'ok')
    expect(lanes.lag_ms).toBe(waitsMs ?? 0)
  })

  it('names the part of its store that cannot be used', async () => {
    const { pipeline, heartbeat, speed } = await openOneLane({ slotMs: SLOT_MS })
    await speed([heartbeat()])
    const store = { ...pipeline.serving.store, unready: async () => ['The table quarantine is CREATING.'] }
    expect(Health.parse(await health({ ...pipeline.serving, store }))).toMatchObject({
      status: 'degraded',
      reasons: ['The table quarantine is CREATING.'],
    })
  })

  it.each([
    ['at its oldest', NOON_MS - 3 * SLOT_MS - 10 * MINUTE_MS, 'ok'],
    ['older', NOON_MS - 3 * SLOT_MS - 10 * MINUTE_MS - 1, 'degraded'],
    ['the one of imports only', SLOT_MS, 'ok'],
  ])('with a batch cut that is %s has no reason', async (_, cut, status) => {
    const { pipeline, clock, heartbeat, speed } = await openOneLane({ slotMs: SLOT_MS })
    await speed([heartbeat()])
    const view = emptyView({ cut })
    await pipeline.objects.put(view.classesKey, encodeClasses(new Map()))
    await publishView(pipeline.objects, view)
    // A night without records, and therefore without anything to count, is not a fault.
    clock.nowMs += 12 * HOUR_MS
    const activity = { ...pipeline.serving.activity, heartbeats: { everyMs: MINUTE_MS, sinceMs: clock.nowMs } }
    const answer = Health.parse(await health({ ...pipeline.serving, activity }))
    expect(answer.status).toBe(status)
    expect(answer.reasons).toHaveLength(status === 'ok' ? 0 : 1)
    for (const reason of answer.reasons) expect(reason).toContain(`The batch view has stopped at ${iso(cut)}`)
  })
})

describe('the newest windows', () => {
  const states = async (serving: Parameters<typeof realtimeNdvi>[0]) =>
    (await realtimeNdvi(serving)).map(row => [WindowRow.parse(row).window_start, row.state])

  it('are open until every open lane has passed their end by the lateness', async () => {
    const lanes = openLanes('stream', 2)
    const [a, b] = lanes as [Lane, Lane]
    const { pipeline, clock, append, heartbeat, speed } = await openOneLane({ slotMs: SLOT_MS, lanes })
    const window = iso(NOON_MS)
    clock.nowMs = NOON_MS + MINUTE_MS
    await speed([append(taken(NOON_MS), a.name)])
    await speed([heartbeat(b.name)])
    expect(await states(pipeline.serving)).toEqual([[window, 'open']])
    clock.nowMs = NOON_MS + 15 * MINUTE_MS
    await speed([heartbeat(a.name)])
    expect(await states(pipeline.serving)).toEqual([[window, 'open']])
    clock.nowMs--
    await speed([heartbeat(b.name)])
    expect(await states(pipeline.serving)).toEqual([[window, 'open']])
    clock.nowMs++
    await speed([heartbeat(b.name)])
    expect(await states(pipeline.serving)).toEqual([[window, 'closed']])
  })

  it('still count late events when they are closed, and say how many', async () => {
    const { pipeline, clock, append, heartbeat, speed } = await openOneLane({ slotMs: SLOT_MS })
    await speed([append(taken(NOON_MS))])
    clock.nowMs = NOON_MS + 20 * MINUTE_MS
    await speed([heartbeat(), append(taken(NOON_MS + 1))])
    expect(await realtimeNdvi(pipeline.serving)).toMatchObject([{ state: 'closed', count: 2, late_count: 1 }])
  })

  it('of a source that is days late are those of the day before its newest image, open for as long as it may be late', async () => {
    const lateness = [{ since: 0, ms: 2 * DAY_MS }]
    const { pipeline, clock, append, heartbeat, speed } = await openOneLane({ slotMs: SLOT_MS, lateness })
    expect(await realtimeNdvi(pipeline.serving)).toEqual([])
    const pass = NOON_MS - 30 * HOUR_MS
    await speed([append(taken(pass)), append(taken(pass - 12 * HOUR_MS)), append(taken(pass - 25 * HOUR_MS))])
    const newest = [iso(pass), iso(pass - 12 * HOUR_MS)]
    expect(await states(pipeline.serving)).toEqual(newest.map(start => [start, 'open']))
    // Its lateness ends: an image that comes now is late, and counts.
    clock.nowMs = pass + 10 * MINUTE_MS + 2 * DAY_MS
    await speed([heartbeat(), append(taken(pass))])
    expect(await realtimeNdvi(pipeline.serving)).toMatchObject([
      { window_start: newest[0], state: 'closed', count: 2, late_count: 1 },
      { window_start: newest[1], state: 'closed', count: 1, late_count: 0 },
    ])
    // A week without a scene changes nothing.
    clock.nowMs += 7 * DAY_MS
    expect((await states(pipeline.serving)).map(([start]) => start)).toEqual(newest)
  })

  it('of a source that is days late are found, also after the log’s clock has leapt ahead', async () => {
    const lateness = [{ since: 0, ms: 2 * DAY_MS }]
    const { pipeline, clock, append, speed } = await openOneLane({ slotMs: SLOT_MS, lateness })
    await speed([append(taken(NOON_MS - 2 * HOUR_MS))])
    clock.nowMs = NOON_MS + 365 * DAY_MS
    const leapt = append(taken(clock.nowMs))
    clock.nowMs = NOON_MS
    await speed([leapt])
    const starts = [NOON_MS + 365 * DAY_MS, NOON_MS - 2 * HOUR_MS].map(iso)
    expect((await states(pipeline.serving)).map(([start]) => start)).toEqual(starts)
    expect((await health(pipeline.serving)).latest_image_at).toBe(iso(NOON_MS))
  })

  it('are returned as open when the log cannot list its lanes', async () => {
    const { pipeline, clock, append, heartbeat, speed } = await openOneLane({ slotMs: SLOT_MS })
    await speed([append(taken(NOON_MS))])
    clock.nowMs += 20 * MINUTE_MS
    await speed([heartbeat()])
    const serving = { ...pipeline.serving, lanes: () => Promise.reject(new Error('the log is down')) }
    expect(await states(serving)).toEqual([[iso(NOON_MS), 'open']])
    expect(await states(pipeline.serving)).toEqual([[iso(NOON_MS), 'closed']])
  })
})
