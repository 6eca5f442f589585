import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { openSqliteCheckpoints } from '../../functions/adapters/sqlite/checkpoints.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { type Position, START } from '../../functions/core/lane.ts'
import { encodeRecord } from '../../functions/core/record.ts'
import { MINUTE_MS } from '../../functions/core/time.ts'
import { sendHeartbeats } from '../../functions/ingest/heartbeat.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import { failureRegistry } from '../../functions/runtime/local/failure-registry.ts'
import { startPolling } from '../../functions/runtime/local/poller.ts'
import { steadyClocks } from '../support/clocks.ts'
import { collectingLogger } from '../support/factories.ts'
import { openPipeline, perClass, withoutLateness } from '../support/pipeline.ts'
import { readPath } from '../support/read-files.ts'
import { byClass, byDayAndClass, recount } from '../support/recount.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SAMPLE = fileURLToPath(new URL('../../data/sample', import.meta.url))
const CLASS_LIST = fileURLToPath(new URL('../../data/classes.csv', import.meta.url))
const SLOT_MS = MINUTE_MS

it('the committed sample: batch view, speed totals and a naive recount agree exactly, by class and by day', async () => {
  const events = await sampleEvents()
  expect(events.length).toBeGreaterThan(300)

  // The sample is sent during some minutes of many slots, with a simulated clock.
  let nowMs = Math.max(...events.map(({ timestamp }) => Date.parse(timestamp))) + 7_777
  const folder = temporaryFolder()
  const log = openSqliteEventLog({ file: join(folder, 'log.sqlite'), shards: 3, readClocks: steadyClocks(() => nowMs) })
  const checkpoints = openSqliteCheckpoints(join(folder, 'checkpoints.sqlite'))
  const classes = await knownClasses()
  const pipeline = await openPipeline({
    streamIdentity: log.identity,
    slotMs: SLOT_MS,
    lanes: () => log.lanes(),
    now: () => nowMs,
    classes,
  })
  onTestFinished(async () => {
    await Promise.all([log.close(), checkpoints.close(), pipeline.close()])
  })

  for (let index = 0, counter = 0; index < events.length; nowMs += 5_432) {
    const size = 1 + ((counter * 7) % 20)
    const data = encodeRecord(
      { producer: `producer-${counter % 5}`, counter: ++counter },
      events.slice(index, index + size),
    )
    await log.append([{ key: `producer-${(counter - 1) % 5}`, data }])
    index += size
  }
  nowMs += 3 * SLOT_MS
  await sendHeartbeats(log, nowMs)

  const mapping = {
    failures: failureRegistry(() => 0),
    log,
    checkpoints,
    toEvent: kinesisEvent,
    logger: collectingLogger(),
    batchingWindowMs: 0,
  }
  const pollers = [
    startPolling({ ...mapping, consumer: 'speed', batchSize: 7, handler: pipeline.speedProcess() }),
    startPolling({ ...mapping, consumer: 'archive', batchSize: 11, handler: pipeline.archiveProcess() }),
  ]
  await until(async () => {
    for (const { name } of await log.lanes()) {
      for (const consumer of ['speed', 'archive']) {
        const behind: Position = await checkpoints.read(consumer, name)
        if ((await log.read(name, behind, 1)).length > 0 || behind === START) return false
      }
    }
    return true
  })
  await Promise.all(pollers.map(poller => poller.stop()))

  const { published, behind } = await pipeline.runBatch()
  expect({ published, behind }).toEqual({ published: true, behind: [] })

  const speed = await pipeline.speedTotals()
  const batch = await pipeline.batchTotals()
  expect(batch).toEqual(speed)
  expect(withoutLateness(batch)).toEqual(recount(events, byDayAndClass))
  expect(withoutLateness(perClass(speed))).toEqual(recount(events, byClass))
  expect(await pipeline.quarantined()).toEqual([])
  expect((await pipeline.joined()).map(({ class_name, count }) => [class_name, count])).toEqual(
    [...recount(events, byClass)].map(([name, { count }]) => [name, count]).sort(),
  )
  expect(mapping.logger.lines).toEqual([])
  expect(pipeline.logger.lines).toEqual([])
})

async function sampleEvents(): Promise<WireEvent[]> {
  const events: WireEvent[] = []
  for await (const read of readPath(SAMPLE, { now: Date.now })) {
    if (!('event' in read)) throw new Error('a row of the sample is not an event')
    events.push(read.event())
  }
  return events
}

async function knownClasses(): Promise<Map<string, number>> {
  const { readFile } = await import('node:fs/promises')
  const { parseClassList } = await import('../../functions/files/classes-csv.ts')
  return new Map(parseClassList(await readFile(CLASS_LIST, 'utf8')))
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(10)
}
