import { setTimeout as sleep } from 'node:timers/promises'
import { generateImages, liveImage, toWireEvent } from '../../../data/generator.ts'
import { importEvents } from '../../archive/imports.ts'
import { runBatch } from '../../batch/run.ts'
import { decodeEvent } from '../../core/event.ts'
import { HOUR_MS } from '../../core/time.ts'
import { createProducer } from '../../ingest/producer.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Logger } from '../../ports/logger.ts'
import type { LocalRuntime } from './runtime.ts'

const SEED = 1
const EVENTS_PER_SECOND = 20

const LAST_HOUR_IMAGES = 900

/**
 * Adds a month of history to a new state: 27,000 generated images directly in the archive, the first view, and the last
 * hour of images through the log, so that there are windows to see. A repetition after a crash gives the same history.
 */
export async function importDemoHistory(runtime: LocalRuntime, createdMs: number): Promise<void> {
  const { objects, views, slotMs } = runtime
  if ((await views.chain()).revision > 0) return
  const images = Iterator.from(generateImages({ seed: SEED, untilMs: createdMs }))
  const events = images.map(image => decodeEvent(toWireEvent(image), createdMs))
  await importEvents(objects, slotMs, `demo-${createdMs}`, [events], createdMs)
  await runBatch(await runtime.openBatch())

  const producer = createProducer(await runtime.openLog())
  const lastHour = Array.from({ length: LAST_HOUR_IMAGES }, (_, index) =>
    liveImage({ seed: SEED, index, atMs: createdMs - HOUR_MS + (index * HOUR_MS) / LAST_HOUR_IMAGES }),
  )
  await producer.send(lastHour.map(toWireEvent))
  await producer.close()
}

/** Publishes generated images at the rate of a busy region until stopped. */
export async function streamDemoImages(log: EventLog, logger: Logger, signal: AbortSignal): Promise<void> {
  const producer = createProducer(log)
  const startMs = Date.now()
  const startedMs = performance.now()
  for (let sent = 0; !signal.aborted; sent++) {
    const dueMs = startedMs + (sent * 1000) / EVENTS_PER_SECOND
    await sleep(Math.max(dueMs - performance.now(), 0), undefined, { signal }).catch(() => {})
    const image = liveImage({ seed: SEED, index: startMs + sent, atMs: Date.now() })
    await producer.send([toWireEvent(image)]).catch(error => logger.warn('demo: not sent', { error: String(error) }))
  }
}
