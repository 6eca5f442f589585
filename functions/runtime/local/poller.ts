import { setTimeout as sleep } from 'node:timers/promises'
import { type Position, toPosition } from '../../core/lane.ts'
import type { LogRecord } from '../../core/record.ts'
import type { BatchResponse, LogEvent } from '../../lambda/decode-event.ts'
import type { ToLambdaEvent } from '../../lambda/encode-event.ts'
import type { Checkpoints } from '../../ports/checkpoints.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Failures } from '../../ports/failures.ts'
import type { Logger } from '../../ports/logger.ts'

/** Consumer of the log with its handler, like an event source mapping of Lambda. */
export interface EventSourceMapping {
  /** Name of the consumer, for its checkpoints. */
  consumer: string
  log: EventLog
  checkpoints: Checkpoints
  handler(event: LogEvent): Promise<BatchResponse>
  toEvent: ToLambdaEvent
  /** Maximum number of records in a delivery. */
  batchSize: number
  /** Time to wait for a full batch once there is a record, ms. */
  batchingWindowMs: number
  logger: Logger
  failures: Failures
}

/** Interval at which an idle lane is read, ms. On average, half of it is added to the delay of an event. */
const POLL_MS = 25
/**
 * Maximum size of the records in a delivery, bytes: Lambda's payload of 6 MB minus the overhead of base64 and the
 * event.
 */
const PAYLOAD_BYTES = 4 * 1024 * 1024
/** Number of records in a read. Records may be large, so more are read only while there is room. */
const READ_AT_ONCE = 100
const LANES_REFRESH_MS = 10_000
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5_000
/** Number of failures in a row, within a second, that are not reported. For example, a store may be busy. */
const TOLERATED = 2

/**
 * Poller that replaces Lambda's event source mapping on one machine (AWS Lambda Developer Guide, "Using Lambda with
 * Kinesis"). Each lane has one batch at a time, in order, from its oldest record on and after its parents. The record
 * that a batch response names, and all records behind it in the batch, are delivered again. A batch whose function
 * throws is split into halves. Retries never end.
 *
 * @returns function that stops the poller after the batches in flight
 */
export function startPolling(mapping: EventSourceMapping): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const closed = new Set<string>()
  const listing = `Listing the lanes for the ${mapping.consumer} layer`
  const drained = new Set<string>()
  const running = new Map<string, Promise<void>>()

  async function followLanes(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const lanes = await mapping.log.lanes()
        mapping.failures.recovered(listing)
        const known = new Set(lanes.map(({ name }) => name))
        // A parent that the log no longer lists has nothing left to deliver.
        const isDone = (parent: string) => drained.has(parent) || !known.has(parent)
        for (const lane of lanes) {
          if (lane.closed) closed.add(lane.name)
          if (running.has(lane.name) || !lane.parents.every(isDone)) continue
          const following = follow(mapping, lane.name, stopping.signal, () => closed.has(lane.name))
          running.set(lane.name, following)
          void following.then(() => drained.add(lane.name))
        }
      } catch (error) {
        mapping.failures.failed(listing, error)
        mapping.logger.warn('poller: cannot list the lanes', { consumer: mapping.consumer, error: String(error) })
      }
      await pause(LANES_REFRESH_MS, stopping.signal)
    }
  }

  const following = followLanes()
  return {
    async stop() {
      stopping.abort()
      await following
      await Promise.all(running.values())
    },
  }
}

/** Delivers a lane until it is stopped, or until the lane is closed and completely delivered. */
async function follow(
  mapping: EventSourceMapping,
  lane: string,
  signal: AbortSignal,
  isClosed: () => boolean,
): Promise<void> {
  const { checkpoints, consumer, logger, failures } = mapping
  const component = componentOf(mapping, lane)
  let position: Position | undefined
  let retryMs = FIRST_RETRY_MS
  while (!signal.aborted) {
    try {
      position ??= await checkpoints.read(consumer, lane)
      const wasClosed = isClosed()
      const records = await nextBatch(mapping, lane, position, signal)
      if (records.length === 0) {
        failures.recovered(component)
        if (wasClosed) return
        await pause(POLL_MS, signal)
        continue
      }
      await deliver(mapping, records, signal, async applied => {
        failures.recovered(component)
        await checkpoints.write(consumer, lane, applied)
        position = applied
      })
      retryMs = FIRST_RETRY_MS
    } catch (error) {
      failures.failed(component, error, TOLERATED)
      logger.warn('poller: lane interrupted', { consumer, lane, error: String(error) })
      await pause(retryMs, signal)
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
    }
  }
}

function componentOf({ consumer }: EventSourceMapping, lane: string): string {
  return `The ${consumer} layer on lane ${lane}`
}

async function nextBatch(
  { log, batchSize, batchingWindowMs }: EventSourceMapping,
  lane: string,
  after: Position,
  signal: AbortSignal,
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  const deadlineMs = performance.now() + batchingWindowMs
  while (records.length < batchSize && withinPayload(records).length === records.length && !signal.aborted) {
    const limit = Math.min(batchSize - records.length, READ_AT_ONCE)
    const more = await log.read(lane, records.at(-1)?.position ?? after, limit)
    records.push(...more)
    if (more.length === limit) continue
    const remainingMs = deadlineMs - performance.now()
    if (records.length === 0 || remainingMs <= 0) break
    await pause(Math.min(remainingMs, 1_000), signal)
  }
  return signal.aborted ? [] : withinPayload(records)
}

/** Returns the first records that fit into one invocation, at least one. */
function withinPayload(records: LogRecord[]): LogRecord[] {
  let bytes = 0
  const tooMany = records.findIndex(({ data }, index) => {
    bytes += data.byteLength
    return index > 0 && bytes > PAYLOAD_BYTES
  })
  return tooMany === -1 ? records : records.slice(0, tooMany)
}

/** Delivers until every record is processed, and reports each step. */
async function deliver(
  mapping: EventSourceMapping,
  records: readonly LogRecord[],
  signal: AbortSignal,
  done: (position: Position) => Promise<void>,
): Promise<void> {
  const component = componentOf(mapping, (records[0] as LogRecord).lane)
  let pending = records
  let retryMs = FIRST_RETRY_MS
  while (pending.length > 0 && !signal.aborted) {
    let firstFailed: number
    try {
      const response = await mapping.handler(mapping.toEvent(mapping.log.identity, pending))
      firstFailed = lowestFailure(pending, response)
      const isGivenBack = firstFailed < pending.length
      if (isGivenBack) mapping.failures.failed(component, 'records are given back; the log lines say why', TOLERATED)
    } catch (error) {
      mapping.failures.failed(component, error, TOLERATED)
      mapping.logger.warn('poller: function failed', { consumer: mapping.consumer, error: String(error) })
      if (pending.length > 1) {
        const middle = Math.ceil(pending.length / 2)
        await deliver(mapping, pending.slice(0, middle), signal, done)
        await deliver(mapping, pending.slice(middle), signal, done)
        return
      }
      firstFailed = 0
    }
    const last = pending[firstFailed - 1]
    if (last) {
      await done(last.position)
      retryMs = FIRST_RETRY_MS
    }
    pending = pending.slice(firstFailed)
    if (pending.length > 0) {
      await pause(retryMs, signal)
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
    }
  }
}

/** Returns the index of the first record to deliver again; the number of records when all are processed. */
function lowestFailure(records: readonly LogRecord[], response: BatchResponse): number {
  const failed = response.batchItemFailures.map(({ itemIdentifier }) =>
    toPosition(typeof itemIdentifier === 'string' ? itemIdentifier : itemIdentifier.offset),
  )
  if (failed.length === 0) return records.length
  const lowest = failed.sort()[0] as Position
  const index = records.findIndex(record => record.position >= lowest)
  return index === -1 ? 0 : index
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
