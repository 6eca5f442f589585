import { expect, onTestFinished } from 'vitest'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { START } from '../../functions/core/lane.ts'
import type { Slot } from '../../functions/core/slot.ts'
import { MINUTE_MS } from '../../functions/core/time.ts'
import { createProducer } from '../../functions/ingest/producer.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import { detailedEntries, listQuarantine } from '../../functions/redrive/list.ts'
import { type RedriveOptions, redriveQuarantine } from '../../functions/redrive/redrive.ts'
import type { Redrive, Standing } from '../../functions/redrive/standing.ts'
import { virtualTime } from '../ingest/virtual-time.ts'
import { steadyClocks } from '../support/clocks.ts'
import { CLASSES, NOON_MS, wireEvent } from '../support/factories.ts'
import { openPipeline } from '../support/pipeline.ts'

export const SLOT_MS = 10 * MINUTE_MS
export const LAST_ATTEMPT_MS = 29 * MINUTE_MS
export const TAKEN = '2026-11-22T11:55:00Z'

/** Event of a class that is not known at first. */
export const wetland = (image_id: string): WireEvent => wireEvent({ image_id, class_name: 'Wetland', timestamp: TAKEN })

/** The speed and batch layers on a real log and store, at a time that the test sets, with redrives. */
export async function openSystem() {
  const virtual = virtualTime()
  const time = { ...virtual, now: () => NOON_MS + virtual.now() }
  const log = openSqliteEventLog({ file: ':memory:', shards: 1, readClocks: steadyClocks(time.now) })
  const classes = new Map<string, Slot>(CLASSES)
  const pipeline = await openPipeline({
    streamIdentity: log.identity,
    slotMs: SLOT_MS,
    lanes: () => log.lanes(),
    now: time.now,
    classes,
  })
  onTestFinished(async () => {
    await pipeline.close()
    await log.close()
  })
  const { store } = pipeline
  const [speed, archive] = [pipeline.speedProcess(), pipeline.archiveProcess()]

  /** Delivers the whole log to both consumers; each skips what it has applied. */
  async function settle(): Promise<void> {
    for (const { name } of await log.lanes()) {
      const records = await log.read(name, START, 100_000)
      if (records.length === 0) continue
      for (const handler of [speed, archive]) {
        expect(await handler(kinesisEvent(log.identity, records))).toEqual({ batchItemFailures: [] })
      }
    }
  }

  return {
    log,
    store,
    time,
    pipeline,
    settle,
    pass: (ms: number) => virtual.run(virtual.sleep(ms)),
    async send(...events: WireEvent[]): Promise<void> {
      await virtual.run(createProducer(log, { time }).send(events))
      await settle()
    },
    /** Makes a class known from the next slot onwards, and starts that slot. */
    async learn(className: string): Promise<void> {
      classes.set(className, Math.floor(time.now() / SLOT_MS + 1) * SLOT_MS)
      await virtual.run(virtual.sleep(SLOT_MS))
    },
    redrive(options: RedriveOptions = {}, other: { log?: EventLog; store?: SpeedStore } = {}) {
      const redrive: Redrive = { log, store, classes: async () => classes, slotMs: SLOT_MS, time, ...other }
      return virtual.run(redriveQuarantine(redrive, options))
    },
    detailed: () =>
      Array.fromAsync(detailedEntries({ log, store, classes: async () => classes, slotMs: SLOT_MS, time })),
    list: () => listQuarantine({ log, store, classes: async () => classes, slotMs: SLOT_MS, time }),
    /** Number of images of a class in the rows of the speed layer. */
    async counted(className = 'Wetland'): Promise<number> {
      const totals = await pipeline.speedTotals()
      return [...totals].reduce((sum, [key, { count }]) => sum + (key.endsWith(className) ? count : 0), 0)
    },
    records: async () => (await log.read((await log.lanes())[0]?.name as string, START, 100_000)).length,
  }
}

export type System = Awaited<ReturnType<typeof openSystem>>

/** Number of entries of unknown classes in each standing. */
export async function standings(system: System): Promise<Record<Standing, number> | undefined> {
  return (await system.list()).get('unknown-class')?.standings
}
