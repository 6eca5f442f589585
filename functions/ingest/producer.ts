import { randomUUID } from 'node:crypto'
import type { WireEvent } from '../core/event.ts'
import type { EventLog } from '../ports/event-log.ts'
import { type Line, lineOf, type Packing, packRecord, RECORD_BYTES_LIMIT } from './packing.ts'
import { createQueue } from './queue.ts'
import { appendWithRetries, type RetryTime, systemTime } from './retry.ts'

/**
 * Sends events as the log's consumers expect them: packed into records, each wrapped with a producer id and a
 * counter. An id has one record in flight, and the next counter is used once the last is acknowledged. A record that
 * is sent again is the same bytes to the same destination, for less than the retry limit; an id that gave a record up
 * is never used again.
 */
export interface Producer {
  /**
   * Sends events, among others' in the same records. Once this resolves the log has them all for good.
   *
   * @throws NotAcknowledgedError when it does not have some, or may not
   * @throws EventTooLargeError when no record can hold one of them; then none was sent
   */
  send(events: readonly WireEvent[]): Promise<void>
  /**
   * Takes an event to be sent, and resolves as soon as there is room for the next: `flush` tells what became of it.
   *
   * @throws NotAcknowledgedError, and takes nothing, when events taken since the last flush were given up
   * @throws EventTooLargeError when no record can hold it
   */
  add(event: WireEvent): Promise<void>
  /**
   * Sends what still lingers and waits until every event that was taken is acknowledged or given up.
   *
   * @throws NotAcknowledgedError when events that `add` took since the last flush were given up
   */
  flush(): Promise<void>
  /** Takes no more, and waits for what `send` has begun, then for what `add` took, as `flush` does. */
  close(): Promise<void>
  summary(): ProducerSummary
}

export interface ProducerSummary {
  /** Events that the log has for good. */
  acknowledged: number
  /** Events that were given up: the log may or may not have them. */
  unacknowledged: number
  /** Events that were taken and of which neither is known yet. */
  pending: number
  /** Records acknowledged. */
  records: number
  /** Attempts that failed and were followed by another. */
  retries: number
}

/** Events were given up. The log may have them all the same. */
export class NotAcknowledgedError extends Error {
  /** How many events. */
  readonly events: number
  constructor(events: number, reason: string) {
    super(`${events} ${events === 1 ? 'event was' : 'events were'} not acknowledged: ${reason}`)
    this.name = 'NotAcknowledgedError'
    this.events = events
  }
}

export interface ProducerOptions extends Partial<Packing> {
  /** How many ids send side by side. */
  ids?: number
  /** Ends all retries and waiting: what is not acknowledged by then is given up. */
  signal?: AbortSignal
  /** Told why a record was not stored when it will be sent again. */
  onRetry?(error: string): void
  time?: RetryTime
  /** Makes an id that was never used before, of 1 to 64 letters, digits, `_` and `-`. */
  newId?(): string
}

/** Events whose outcome somebody waits for. */
interface Batch {
  /** How many are neither acknowledged nor given up. */
  pending: number
  unacknowledged: number
  reason: string
  onSettled(): void
}

interface Queued extends Line {
  batch: Batch
  queuedMs: number
}

interface Identity {
  id: string
  counter: number
  isBusy: boolean
}

const DEFAULT_PACKING: Packing = { maxEvents: 500, maxBytes: RECORD_BYTES_LIMIT, lingerMs: 0 }

export function createProducer(log: EventLog, options: ProducerOptions = {}): Producer {
  const { ids = 1, signal, onRetry, time = systemTime(), newId = randomUUID } = options
  const asked: Packing = { ...DEFAULT_PACKING, ...options }
  const packing: Packing = { ...asked, maxBytes: Math.min(asked.maxBytes, log.maxRecordBytes) }
  const identities = Array.from({ length: ids }, (): Identity => ({ id: newId(), counter: 0, isBusy: false }))
  const queue = createQueue<Queued>(packing, ids)
  const counts = { acknowledged: 0, unacknowledged: 0, pending: 0, records: 0, retries: 0 }
  const sending = new Set<Promise<void>>()
  let added = newBatch()
  let flushing = 0
  let isLingering = false
  let isClosed = false

  signal?.addEventListener('abort', () => giveUp(queue.takeAll(), STOPPED))

  function enqueue(line: Line, batch: Batch): void {
    const queued = { ...line, batch, queuedMs: time.now() }
    batch.pending++
    counts.pending++
    if (signal?.aborted) giveUp([queued], STOPPED)
    else queue.push(queued)
  }

  /** Hands records to idle ids for as long as there is one that is full or has lingered. */
  function pump(): void {
    for (const identity of identities) {
      if (identity.isBusy) continue
      const first = queue.first()
      if (!first) return
      const lingerMs = first.queuedMs + packing.lingerMs - time.now()
      if (lingerMs > 0 && flushing === 0 && !queue.isFull()) {
        linger(lingerMs)
        return
      }
      void sendRecord(identity, queue.takeRecord()).then(pump)
    }
  }

  function linger(ms: number): void {
    if (isLingering) return
    isLingering = true
    void time.sleep(ms, signal).then(() => {
      isLingering = false
      pump()
    })
  }

  async function sendRecord(identity: Identity, lines: readonly Queued[]): Promise<void> {
    identity.isBusy = true
    const data = packRecord({ producer: identity.id, counter: ++identity.counter }, lines)
    const record = { ...log.destinationOf(identity.id), data }
    const failure = await appendWithRetries(log, record, time, countRetry, signal)
    if (failure === null) {
      counts.records++
      counts.acknowledged += lines.length
      settle(lines)
    } else {
      identity.id = newId()
      identity.counter = 0
      giveUp(lines, failure.error)
    }
    identity.isBusy = false
  }

  function countRetry(error: string): void {
    counts.retries++
    onRetry?.(error)
  }

  function giveUp(lines: readonly Queued[], reason: string): void {
    counts.unacknowledged += lines.length
    for (const { batch } of lines) {
      batch.unacknowledged++
      batch.reason = reason
    }
    settle(lines)
  }

  function settle(lines: readonly Queued[]): void {
    counts.pending -= lines.length
    for (const { batch } of lines) if (--batch.pending === 0) batch.onSettled()
  }

  async function settled(batch: Batch): Promise<void> {
    if (batch.pending > 0) {
      await new Promise<void>(resolve => {
        batch.onSettled = resolve
      })
    }
    if (batch.unacknowledged > 0) throw new NotAcknowledgedError(batch.unacknowledged, batch.reason)
  }

  async function sendAll(lines: readonly Line[]): Promise<void> {
    const batch = newBatch()
    for (const line of lines) {
      if (!queue.hasRoom()) pump()
      await queue.room()
      enqueue(line, batch)
    }
    pump()
    await settled(batch)
  }

  async function flush(): Promise<void> {
    const batch = added
    added = newBatch()
    flushing++
    pump()
    try {
      await settled(batch)
    } finally {
      flushing--
    }
  }

  function refuseIfClosed(): void {
    if (isClosed) throw new Error('the producer is closed')
  }

  return {
    async send(events) {
      refuseIfClosed()
      const sent = sendAll(events.map(event => lineOf(event, packing)))
      sending.add(sent)
      try {
        await sent
      } finally {
        sending.delete(sent)
      }
    },
    async add(event) {
      refuseIfClosed()
      if (added.unacknowledged > 0) throw new NotAcknowledgedError(added.unacknowledged, added.reason)
      enqueue(lineOf(event, packing), added)
      pump()
      await queue.room()
    },
    flush,
    async close() {
      isClosed = true
      flushing++
      pump()
      await Promise.allSettled(sending)
      await flush()
    },
    summary: () => ({ ...counts }),
  }
}

const STOPPED = 'sending was stopped'

function newBatch(): Batch {
  return { pending: 0, unacknowledged: 0, reason: '', onSettled() {} }
}
