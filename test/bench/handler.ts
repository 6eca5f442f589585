import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KinesisStreamEvent } from 'aws-lambda'
import { CLASSES, generateImages, liveImage, toWireEvent } from '../../data/generator.ts'
import { openSqliteSpeedStore } from '../../functions/adapters/sqlite/speed-store.ts'
import { decodeEvent } from '../../functions/core/event.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { DEFAULT_LATENESS } from '../../functions/core/lateness.ts'
import { encodeRecord, type LogRecord } from '../../functions/core/record.ts'
import { DEFAULT_RULES } from '../../functions/core/rules/index.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { Accumulator, type Totals } from '../../functions/core/totals.ts'
import { baselineOf } from '../../functions/core/unusual-image.ts'
import { kinesisEvent } from '../../functions/lambda/encode-event.ts'
import { speedHandler } from '../../functions/speed/handler.ts'
import { median, printTable } from './report.ts'

const STREAM = 'bench'
const ROUNDS = 7
const START_MS = Date.UTC(2026, 10, 1)

/**
 * Measures events a second through the real speed handler with the embedded store, on one core. The limit for comparison
 * is base64 and JSON.parse of the same events. Both run in turns in the same process; results are medians of the rounds.
 */
export async function benchHandler(): Promise<void> {
  const rows = []
  for (const { name, deliveries, recordsEach, eventsEach } of [
    { name: 'packed, 100 events a record', deliveries: 20, recordsEach: 100, eventsEach: 100 },
    { name: 'one event a record', deliveries: 50, recordsEach: 1_000, eventsEach: 1 },
  ]) {
    const events = deliver(deliveries, recordsEach, eventsEach)
    const count = deliveries * recordsEach * eventsEach
    const limit: number[] = []
    const handler: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      limit.push(count / (await secondsOf(async () => events.forEach(decodeBare))))
      handler.push(count / (await throughHandler(events)))
    }
    rows.push({
      records: name,
      'handler events/s': Math.round(median(handler)),
      'bare limit events/s': Math.round(median(limit)),
      ratio: (median(handler) / median(limit)).toFixed(2),
    })
  }
  printTable('Speed handler against bare decoding, one core', rows)
}

function deliver(deliveries: number, recordsEach: number, eventsEach: number): KinesisStreamEvent[] {
  let sequence = 0
  return Array.from({ length: deliveries }, (_, delivery) => {
    const records = Array.from({ length: recordsEach }, (): LogRecord => {
      const counter = ++sequence
      const arrivalMs = START_MS + delivery * 10_000
      const events = Array.from({ length: eventsEach }, (_, index) =>
        toWireEvent(liveImage({ seed: 1, index: counter * eventsEach + index, atMs: arrivalMs - index })),
      )
      const data = encodeRecord({ producer: 'bench', counter }, events)
      return { lane: `${STREAM}.shardId-0`, position: toPosition(counter), arrivalMs, data }
    })
    return kinesisEvent(STREAM, records)
  })
}

function decodeBare(event: KinesisStreamEvent): void {
  for (const record of event.Records) {
    for (const line of Buffer.from(record.kinesis.data, 'base64').toString('utf8').split('\n')) JSON.parse(line)
  }
}

async function throughHandler(events: readonly KinesisStreamEvent[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'landcover-bench-'))
  const store = openSqliteSpeedStore(join(folder, 'store.sqlite'))
  const handler = speedHandler({
    store,
    lanes: async () => [],
    firstKept: async () => null,
    slotMs: HOUR_MS,
    lateness: DEFAULT_LATENESS,
    classes: async () => new Map(CLASSES.map(({ className }) => [className, 0])),
    rules: DEFAULT_RULES,
    baseline: async () => BASELINE,
    streamIdentity: STREAM,
    logger: { info() {}, warn: message => console.error(message) },
    metrics: { record() {} },
    now: Date.now,
  })
  try {
    return await secondsOf(async () => {
      for (const event of events) {
        const { batchItemFailures } = await handler(event)
        if (batchItemFailures.length > 0) throw new Error('the handler gave a delivery back')
      }
    })
  } finally {
    await store.close()
    rmSync(folder, { recursive: true })
  }
}

/** Baseline from the generator's own images, so that the usual share of events is unusual. */
const BASELINE = baselineOf(1, generatedTotals())

function generatedTotals(): Map<string, Totals> {
  const accumulators = new Map<string, Accumulator>()
  for (const image of generateImages({ seed: 1, untilMs: START_MS })) {
    const accumulator = accumulators.get(image.className) ?? new Accumulator()
    accumulators.set(image.className, accumulator)
    accumulator.add(decodeEvent(toWireEvent(image), START_MS), false)
  }
  return new Map(Array.from(accumulators, ([className, accumulator]) => [className, accumulator.totals()]))
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}
