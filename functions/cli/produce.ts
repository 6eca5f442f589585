import { setTimeout as sleep } from 'node:timers/promises'
import { openSqliteEventLog } from '../adapters/sqlite-event-log.ts'
import type { WireEvent } from '../core/event.ts'
import { HOUR_MS } from '../core/time.ts'
import { logFile, openState } from '../homes/state.ts'
import { type CsvProblem, readEvents } from '../ingest/csv.ts'
import { createProducer } from '../ingest/producer.ts'
import { runCommand, UsageError, wholeNumber } from './command.ts'
import { progressLine } from './progress.ts'

const TOPIC = 'image-events'

/** Events to a record when there is no delay between them to keep. */
const EVENTS_PER_RECORD = 100

/** Problems beyond these are counted only. */
const PROBLEMS_SHOWN = 20

await runCommand(
  {
    usage: 'npm run produce -- [flags]',
    summary: 'Publishes events from CSV files into the system of a state folder, running or not.',
    flags: {
      data: {
        type: 'string',
        value: 'DIR|FILE.csv',
        default: 'data/sample',
        help: 'Folder of images.csv, classes.csv, ndvi_stats.csv and spectral_data.csv, or one CSV of events',
      },
      limit: { type: 'string', value: 'N', default: '500', help: 'Publish at most N events; 0 for all' },
      delay: {
        type: 'string',
        value: 'SECONDS',
        default: '0.005',
        help: 'Pause after each event; 0 packs many events to a record',
      },
      topic: { type: 'string', value: 'NAME', default: TOPIC, help: 'Stream to publish to' },
      state: { type: 'string', value: 'DIR', default: '.landcover/state', help: 'Folder that holds all state' },
      strict: { type: 'boolean', help: 'Stop at the first bad row instead of leaving it out' },
    },
  },
  async flags => {
    const limit = wholeNumber('limit', flags.limit, 0, Number.MAX_SAFE_INTEGER) || Number.POSITIVE_INFINITY
    const delayMs = 1000 * seconds(flags.delay)
    if (flags.topic !== TOPIC) throw new UsageError(`--topic: this system has the one stream ${TOPIC}`)
    await openState(flags.state, { slotMs: HOUR_MS, demo: false, createdMs: Date.now() })
    const log = openSqliteEventLog({ file: logFile(flags.state) })
    const producer = createProducer(log)
    const startedMs = Date.now()
    const progress = progressLine(process.stderr)
    let published = 0
    let rejected = 0
    let packed: WireEvent[] = []

    async function flush(): Promise<void> {
      if (packed.length === 0) return
      await producer.send(packed)
      published += packed.length
      packed = []
      progress.show(`${published} events published`)
    }

    function summary(): string {
      const elapsed = (Date.now() - startedMs) / 1000
      const rate = Math.round(published / Math.max(elapsed, 0.001))
      const limited = published === limit ? ` (stopped at --limit ${limit})` : ''
      return `${published} events in ${elapsed.toFixed(1)} s, ${rate} events/s, ${rejected} rejected${limited}\n`
    }

    try {
      for await (const read of readEvents(flags.data, { now: Date.now })) {
        if ('problem' in read) {
          rejected++
          progress.clear()
          if (rejected <= PROBLEMS_SHOWN) process.stderr.write(`${describe(read.problem)}\n`)
          if (flags.strict) return 1
          continue
        }
        packed.push(read.event)
        if (delayMs > 0 || packed.length === EVENTS_PER_RECORD || published + packed.length === limit) await flush()
        if (published >= limit) break
        if (delayMs > 0) await sleep(delayMs)
      }
      await flush()
      return 0
    } finally {
      progress.clear()
      if (rejected > PROBLEMS_SHOWN) process.stderr.write(`… and ${rejected - PROBLEMS_SHOWN} more\n`)
      process.stdout.write(summary())
      await log.close()
    }
  },
)

function describe({ file, row, column, message }: CsvProblem): string {
  return `${file}, row ${row}${column ? `, column ${column}` : ''}: ${message}`
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 3600)) {
    throw new UsageError(`--delay takes seconds from 0 to 3600, not '${text}'`)
  }
  return value
}
