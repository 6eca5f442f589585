import { setTimeout as sleep } from 'node:timers/promises'
import { generateImages, liveImage, toWireEvent } from '../../../data/generator.ts'
import { generateSites } from '../../../data/sites.ts'
import { importEvents } from '../../archive/imports.ts'
import { runBatch } from '../../batch/run.ts'
import { decodeEvent, type ImageEvent } from '../../core/event.ts'
import { DAY_MS, formatTimestamp, HOUR_MS } from '../../core/time.ts'
import { createProducer } from '../../ingest/producer.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Logger } from '../../ports/logger.ts'
import type { LocalRuntime } from './runtime.ts'

const SEED = 1
const EVENTS_PER_SECOND = 20

/** Time before the start for which there are windows to see, as long as the range that the page opens with, ms. */
const WINDOWS_MS = 6 * HOUR_MS
const IMAGES_IN_WINDOWS = 5_400

/**
 * Adds history to a new state. The archive directly gets 27,000 generated images of a month and three years of some
 * sites, and the first view counts them. The images of the last hours go through the log, so that there are windows to
 * see. A repetition after a crash gives the same history.
 */
export async function importDemoHistory(runtime: LocalRuntime, createdMs: number): Promise<void> {
  const { objects, views, slotMs } = runtime
  if ((await views.chain()).revision > 0) return
  const history = Iterator.from(generateImages({ seed: SEED, untilMs: createdMs }))
  const events = history.map(image => decodeEvent(toWireEvent(image), createdMs))
  await importEvents(objects, slotMs, `demo-${createdMs}`, [events], createdMs)
  await importEvents(objects, slotMs, `demo-sites-${createdMs}`, [demoLooks(createdMs)], createdMs)
  await runBatch(await runtime.openBatch())

  const producer = createProducer(await runtime.openLog())
  const everyMs = WINDOWS_MS / IMAGES_IN_WINDOWS
  const images = Array.from({ length: IMAGES_IN_WINDOWS }, (_, index) =>
    liveImage({ seed: SEED, index, atMs: createdMs - WINDOWS_MS + index * everyMs }),
  )
  await producer.send(images.map(toWireEvent))
  await producer.close()
}

const SITES = 12
const SITE_DAYS = 3 * 366
/** Sites that are cut, with the day of the series: one long ago, which is the new normal by now, and one some weeks ago. */
const CUTS = new Map([
  [7, SITE_DAYS - 500],
  [2, SITE_DAYS - 70],
])
/** Place of the first site, and the distance between sites, degrees. */
const PLACE = { lon: 25.1, lat: 62.2, step: 0.02 }

/** Clear looks at some sites in a forest over three years. One of them was cut some weeks ago: a visitor sees an incident. */
function demoLooks(createdMs: number): ImageEvent[] {
  const fromMs = createdMs - SITE_DAYS * DAY_MS
  return generateSites({ seed: SEED, sites: SITES, days: SITE_DAYS, fromMs, cuts: CUTS })
    .filter(({ quality }) => quality === 'clear')
    .map(look => {
      const at = Number(look.siteId.replace('site_', ''))
      return decodeEvent(
        {
          ...{ image_id: look.imageId, class_name: 'Forest', site_id: `stand-${String(at + 1).padStart(2, '0')}` },
          ...{ timestamp: formatTimestamp(look.timestampMs), ndvi_mean: look.ndviMean },
          ...{ red_mean: look.redMean, blue_mean: look.blueMean, cloud_fraction: 0 },
          ...{ lon: PLACE.lon + PLACE.step * (at % 4), lat: PLACE.lat + PLACE.step * Math.floor(at / 4) },
        },
        createdMs,
      )
    })
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
