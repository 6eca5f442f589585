import { setTimeout as sleep } from 'node:timers/promises'
import { liveImage, toWireEvent } from '../../data/generator.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { createProducer } from '../../functions/ingest/producer.ts'
import { logFile } from '../../functions/runtime/local/state.ts'

/** Sends a number of events a second to the log of a state folder until it is stopped. Runs in its own process. */
const [state, rate] = [process.argv[2] as string, Number(process.argv[3])]

const TICK_MS = 50

const producer = createProducer(openSqliteEventLog({ file: logFile(state) }))
const startMs = Date.now()
for (let sent = 0; ; ) {
  const due = ((Date.now() - startMs) * rate) / 1000
  const events = []
  for (; sent < due; sent++) events.push(toWireEvent(liveImage({ seed: 1, index: startMs + sent, atMs: Date.now() })))
  if (events.length > 0) await producer.send(events)
  await sleep(TICK_MS)
}
