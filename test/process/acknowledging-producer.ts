import { writeSync } from 'node:fs'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { createProducer } from '../../functions/ingest/producer.ts'
import { logFile } from '../../functions/runtime/local/state.ts'
import { someEvents } from '../support/events-csv.ts'

/** Publishes events one by one into a state folder, and prints each one that is stored. */
const [state, name] = process.argv.slice(2) as [string, string]
const producer = createProducer(openSqliteEventLog({ file: logFile(state) }))
for (const event of someEvents(100_000)) {
  const mine = { ...event, image_id: `${name}-${event.image_id}` }
  await producer.send([mine])
  writeSync(1, `${mine.image_id}\n`)
}
