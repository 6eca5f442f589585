import { randomUUID } from 'node:crypto'
import type { WireEvent } from '../core/event.ts'
import type { EventLog } from '../ports/event-log.ts'
import { type Line, lineOf, type Packing, packRecord, RECORD_BYTES_LIMIT } from './packing.ts'
import { createQueue, type LineQueue } from './queue.ts'
import { appendWithRetries, type RetryTime, systemTime } from './retry.ts'

/**
 * Producer of events in the form that the log's consumers expect: packed into records, each with a producer id and a
 * counter. An id has one record in flight, and uses the next counter only after the last record is acknowledged. A
 * record is sent again with the same bytes to the same destination, for less than the retry limit. An id that gave up a
 * record is never used again.
 */
export interface Producer {
  /**
   * Sends events. They may share records with other events. When this resolves, the log has stored all of them.
   *
   * @throws NotAcknowledgedError when the log does not have some of them, or may not have them
   * @throws EventTooLargeError when one of them does not fit into a record; then none was sent
   */
  send(events: readonly WireEvent[]): Promise<void>
  /**
   * Queues an event and resolves when there is room for the next one. `flush` reports the outcome.
   *
   * @throws NotAcknowledgedError, without queueing, when events since the last flush were given up
   * @throws EventTooLargeError when it does not fit into a record
   */
  add(event: WireEvent): Promise<void>
  /**
   * Sends all queued events and waits until each is acknowledged or given up.
   *
   * @throws NotAcknowledgedError when events that `add` queued since the last flush were given up
   */
  flush(): Promise<void>
  /**
   * Closes the producer: accepts no more events, and waits for those of `send`, then for those of `add`, as `flush`
   * does.
   */
  close(): Promise<void>
  summary(): ProducerSummary
}

/** Counts since the producer was created. */
export interface ProducerSummary {
  /** Number of events that the log has stored. */
  acknowledged: number
  /** Number of events that were given up. The log may have stored them or not. */
  unacknowledged: number
  /** Number of events without an outcome yet. */
  pending: number
  /** Number of acknowledged records. */
  records: number
  /** Number of failed attempts that were followed by another one. */
  retries: number
}

/** Thrown when events were given up. The log may have stored them. */
export class NotAcknowledgedError extends Error {
  /** Number of events. */
  readonly events: number
  constructor(events: number, reason: string) {
    super(`${events} ${events === 1 ? 'event was' : 'events were'} not acknowledged: ${reason}`)
    this.name = 'NotAcknowledgedError'
    this.events = events
  }
}

/** Options of a producer. Packing has defaults. */
export interface ProducerOptions extends Partial<Packing> {
  /** Number of producer ids that send in parallel. */
  ids?: number
  /** Signal that ends all retries and waiting. Events without an acknowledgement are given up. */
  signal?: AbortSignal
  /** Called with the reason when a record was not stored and will be sent again. */
  onRetry?(error: string): void
  time?: RetryTime
  /** Creates an id that was never used before: 1 to 64 letters, digits, `_` and `-`. */
  newId?(): string
}

/** Group of events for whose outcome a caller waits. */
interface Batch {
  /** Number of events without an outcome yet. */
  pending: number
  unacknowledged: number
  reason: string
  onDone(): void
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
const STOPPED = 'sending was stopped'

/** Creates a producer. It has one id unless more are asked for. */
export function createProducer(log: EventLog, options: ProducerOptions = {}): Producer {
  const { ids = 1, signal, time = systemTime() } = options
  const asked: Packing = { ...DEFAULT_PACKING, ...options }
  const packing: Packing = { ...asked, maxBytes: Math.min(asked.maxBytes, log.maxRecordBytes) }
  const queue = createQueue<Queued>(packing, ids)
  const outcomes = eventOutcomes()
  const sender = recordSender(log, queue, outcomes, packing, options)
  const sending = new Set<Promise<void>>()
  let added = newBatch()
  let isClosed = false

  signal?.addEventListener('abort', () => outcomes.giveUp(queue.takeAll(), STOPPED))

  function enqueue(line: Line, batch: Batch): void {
    const queued = { ...line, batch, queuedMs: time.now() }
    outcomes.expect(queued)
    if (signal?.aborted) outcomes.giveUp([queued], STOPPED)
    else queue.push(queued)
  }

  async function sendAll(lines: readonly Line[]): Promise<void> {
    const batch = newBatch()
    for (const line of lines) {
      if (!queue.hasRoom()) sender.pump()
      await queue.room()
      enqueue(line, batch)
    }
    sender.pump()
    await outcomeOf(batch)
  }

  async function flush(): Promise<void> {
    const batch = added
    added = newBatch()
    await sender.withoutLingering(() => outcomeOf(batch))
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
      sender.pump()
      await queue.room()
    },
    flush,
    async close() {
      isClosed = true
      await sender.withoutLingering(async () => {
        await Promise.allSettled(sending)
        await flush()
      })
    },
    summary: () => ({ ...outcomes.counts }),
  }
}

/** Sender of the queued events. It gives records to idle ids when a record is full or has waited long enough. */
function recordSender(
  log: EventLog,
  queue: LineQueue<Queued>,
  outcomes: EventOutcomes,
  packing: Packing,
  { ids = 1, signal, onRetry, time = systemTime(), newId = randomUUID }: ProducerOptions,
) {
  const identities = Array.from({ length: ids }, (): Identity => ({ id: newId(), counter: 0, isBusy: false }))
  /** Number of callers that wait for all queued events. */
  let flushing = 0
  let isLingering = false

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
      outcomes.acknowledge(lines)
    } else {
      identity.id = newId()
      identity.counter = 0
      outcomes.giveUp(lines, failure.error)
    }
    identity.isBusy = false
  }

  function countRetry(error: string): void {
    outcomes.counts.retries++
    onRetry?.(error)
  }

  return {
    pump,
    /** Sends all queued events, also those of records that are not full, for as long as the work runs. */
    async withoutLingering(work: () => Promise<void>): Promise<void> {
      flushing++
      pump()
      try {
        await work()
      } finally {
        flushing--
      }
    },
  }
}

type EventOutcomes = ReturnType<typeof eventOutcomes>

/** Counts of the events' outcomes, which also tell the callers that wait for them. */
function eventOutcomes() {
  const counts: ProducerSummary = { acknowledged: 0, unacknowledged: 0, pending: 0, records: 0, retries: 0 }

  function countDone(lines: readonly Queued[]): void {
    counts.pending -= lines.length
    for (const { batch } of lines) if (--batch.pending === 0) batch.onDone()
  }

  return {
    counts,
    expect({ batch }: Queued): void {
      batch.pending++
      counts.pending++
    },
    /** The log has stored a record of these events. */
    acknowledge(lines: readonly Queued[]): void {
      counts.records++
      counts.acknowledged += lines.length
      countDone(lines)
    },
    giveUp(lines: readonly Queued[], reason: string): void {
      counts.unacknowledged += lines.length
      for (const { batch } of lines) {
        batch.unacknowledged++
        batch.reason = reason
      }
      countDone(lines)
    },
  }
}

function newBatch(): Batch {
  return { pending: 0, unacknowledged: 0, reason: '', onDone() {} }
}

/**
 * Waits until no event of the group is pending.
 *
 * @throws NotAcknowledgedError when some were given up
 */
async function outcomeOf(batch: Batch): Promise<void> {
  if (batch.pending > 0) {
    await new Promise<void>(resolve => {
      batch.onDone = resolve
    })
  }
  if (batch.unacknowledged > 0) throw new NotAcknowledgedError(batch.unacknowledged, batch.reason)
}
