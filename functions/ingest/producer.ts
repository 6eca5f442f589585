import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WireEvent } from '../core/event.ts'
import { encodeRecord } from '../core/record.ts'
import { RETRY_LIMIT_MS } from '../core/slot.ts'
import type { EventLog } from '../ports/event-log.ts'

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 5_000

/**
 * A producer as the log's consumers expect it: it has one record in flight, numbered by a counter; a retry is the
 * same bytes under the same key, for at most the retry limit; after giving up it takes a fresh id.
 */
export interface Producer {
  /** Sends events as one record. Once this resolves the log has them for good; when it throws they may be in it. */
  send(events: readonly WireEvent[]): Promise<void>
}

export function createProducer(log: EventLog, now: () => number = Date.now): Producer {
  let producer = randomUUID()
  let counter = 0
  let inFlight: Promise<unknown> = Promise.resolve()

  async function sendNext(events: readonly WireEvent[]): Promise<void> {
    const data = encodeRecord({ producer, counter: ++counter }, events)
    const key = producer
    const deadline = now() + RETRY_LIMIT_MS
    let lastError = ''
    for (let retryMs = FIRST_RETRY_MS; now() < deadline; retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)) {
      const [outcome] = await log.append([{ key, data }]).catch(error => [{ error: String(error) }])
      if (outcome && !('error' in outcome)) return
      lastError = outcome?.error ?? 'no answer'
      await sleep(retryMs)
    }
    producer = randomUUID()
    counter = 0
    throw new Error(`the log did not take the record within ${RETRY_LIMIT_MS / 60_000} minutes: ${lastError}`)
  }

  return {
    send(events) {
      const sent = inFlight.then(() => sendNext(events))
      inFlight = sent.catch(() => {})
      return sent
    },
  }
}
