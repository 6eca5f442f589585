import { setTimeout as sleep } from 'node:timers/promises'
import { openFolderObjectStore } from '../adapters/files/object-store.ts'
import { HOUR_MS } from '../core/time.ts'
import { type ReadOptions, readEvents, readSource } from '../files/read-events.ts'
import { describeProblem } from '../files/rows.ts'
import { findSources, type Source } from '../files/sources.ts'
import { createProducer, NotAcknowledgedError, type Producer } from '../ingest/producer.ts'
import { readClasses } from '../runtime/class-list.ts'
import { type Environment, readEnvironment } from '../runtime/config/environment.ts'
import { DEFAULT_TOPIC, type LogAddress, parseLogAddress } from '../runtime/config/log-address.ts'
import { type Endpoints, endpointsOf } from '../runtime/local/endpoints.ts'
import { type OpenedLog, openLog } from '../runtime/local/log.ts'
import { refuseOwnLogBehind } from '../runtime/local/own-log.ts'
import { objectsFolder, openState } from '../runtime/local/state.ts'
import { flagValue, runCommand, UsageError, wholeNumber } from './command.ts'
import { dryRun } from './dry-run.ts'
import { MAPPING_FLAGS, mappingOf } from './mapping-flags.ts'
import { problemReport } from './problem-report.ts'
import { producedFiles } from './produced-files.ts'
import { progressLine, rowsRead } from './progress.ts'
import { readReport } from './read-report.ts'

/** Packing of events when there is no delay between them. */
const PACKED = { ids: 4, maxEvents: 500, lingerMs: 50 }

/** Exit code of a run that a signal ended before all was read. */
const INTERRUPTED = 130

/** Minimum time between two reports of a failing log. */
const TROUBLE_SHOWN_EVERY_MS = 10_000

await runCommand(
  {
    usage: 'npm run produce -- [flags]',
    summary: 'Publishes events from files to the event log of a state folder, or to another event log.',
    flags: {
      data: {
        type: 'string',
        value: 'FILE|FOLDER',
        default: 'data/sample',
        help: 'File of events (CSV, JSON or Parquet, also packed as gzip or zip), or a folder of such files',
      },
      ...MAPPING_FLAGS,
      now: { type: 'boolean', help: 'Rows without a time get the current time' },
      limit: { type: 'string', value: 'N', default: '500', help: 'Publish at most N events; 0 for all' },
      delay: {
        type: 'string',
        value: 'SECONDS',
        default: '0.005',
        help: 'Pause after each event; 0 packs many events into a record',
      },
      to: {
        type: 'string',
        value: 'ADDRESS',
        help: 'Event log: kafka://HOST:PORT/TOPIC or kinesis://STREAM (default LANDCOVER_LOG, or the log of --state)',
      },
      topic: { type: 'string', value: 'NAME', help: `Kafka topic, if --to names none (default ${DEFAULT_TOPIC})` },
      state: { type: 'string', value: 'DIR', default: '.landcover/state', help: 'Folder that holds all state' },
      'dry-run': {
        type: 'boolean',
        help: 'Say what would be published and which classes are unknown; publish nothing',
      },
      strict: { type: 'boolean', help: 'Stop at the first bad row instead of leaving it out' },
      'skip-bad': { type: 'boolean', help: 'Exit with code 0 even if rows are refused' },
    },
  },
  async flags => {
    const limit = wholeNumber('limit', flags.limit, 0, Number.MAX_SAFE_INTEGER) || Number.POSITIVE_INFINITY
    const delayMs = 1000 * seconds(flags.delay)
    const reading = { now: Date.now, mapping: mappingOf(flags), timeIsNow: flags.now }
    const found = await findSources(flags.data)
    const objects = openFolderObjectStore(objectsFolder(flags.state))
    if (flags['dry-run']) return dryRun(found, reading, await readClasses(objects))
    const progress = progressLine(process.stderr)
    await refuseUnreadable(found.sources, reading, progress)
    const environment = readEnvironment(process.env)
    const { log, address, isOwn } = await openTarget(flags, environment)
    const produced = await producedFiles(objects, found.sources, isOwn ? undefined : address)
    for (const line of await produced.before()) process.stderr.write(`${line}\n`)
    const { stopping, abandoning } = stoppable()
    const producer = createProducer(log, {
      ...(delayMs === 0 && PACKED),
      signal: abandoning.signal,
      onRetry: troubleReporter(progress),
    })
    const startedMs = performance.now()
    const tell = (line: string): void => {
      progress.clear()
      process.stderr.write(`${line}\n`)
    }
    const report = readReport(tell)
    const problems = problemReport(tell)

    async function publish(): Promise<void> {
      let taken = 0
      for await (const read of readEvents(found.sources, { ...reading, report })) {
        if ('noMeasurement' in read) continue
        if ('problem' in read) {
          problems.add(describeProblem(read.problem))
          if (flags.strict) return
          continue
        }
        if (delayMs === 0) await producer.add(read.event())
        else await producer.send([read.event()])
        progress.show(() => `${producer.summary().acknowledged} events published`)
        if (++taken >= limit) return
        if (delayMs > 0) await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => {})
        if (stopping.signal.aborted) return
      }
    }

    try {
      await publish()
    } catch (error) {
      if (!(error instanceof NotAcknowledgedError)) throw error
      // The log has not answered within the retry limit: the other events that were read would fail, too.
      abandoning.abort()
      tell(error.message)
    } finally {
      await producer.close().catch(() => {})
      progress.clear()
      report.end()
      problems.end()
      process.stdout.write(summaryOf(producer, problems.total(), limit, performance.now() - startedMs))
      await log.close()
    }
    const { acknowledged, unacknowledged } = producer.summary()
    if (acknowledged > 0) await produced.remember(Date.now())
    if (unacknowledged > 0 || (problems.total() > 0 && !flags['skip-bad'])) return 1
    if (stopping.signal.aborted) return INTERRUPTED
    return acknowledged > 0 ? 0 : 1
  },
)

/** Reads everything before the first event is sent, so that an error in the input is reported while nothing is sent. */
async function refuseUnreadable(
  sources: readonly Source[],
  reading: ReadOptions,
  progress: ReturnType<typeof progressLine>,
): Promise<void> {
  for (const source of sources) {
    let count = 0
    const onShare = (share: number) => progress.show(() => rowsRead(count, share, source.path))
    for await (const rows of readSource(source, { ...reading, onShare })) count += rows.length
  }
  progress.clear()
}

/** Opens the log to publish to. Creates the state of an empty state folder, for a system that is started later. */
async function openTarget(
  { to, topic, state }: { to: string | undefined; topic: string | undefined; state: string },
  environment: Environment,
): Promise<OpenedLog & { address: LogAddress; isOwn: boolean }> {
  const parse = (text: string) => parseLogAddress(text, topic)
  let address: LogAddress
  let own: Endpoints | undefined
  if (to !== undefined) address = flagValue('to', to, parse)
  else if (environment.log !== undefined) address = parse(environment.log)
  else {
    const settings = await openState(state, { slotMs: HOUR_MS, demo: false, createdMs: Date.now() })
    own = endpointsOf(state, settings, { log: undefined, store: undefined })
    address = own.log
  }
  const found = address.kind === 'kafka' ? address.topic : address.kind === 'kinesis' ? address.stream : DEFAULT_TOPIC
  if (topic !== undefined && topic !== found) {
    throw new UsageError(`--topic: the log is ${found}, not ${topic}`)
  }
  const opened = await openLog(address, environment)
  try {
    if (own) await refuseOwnLogBehind(state, own, opened)
    return { ...opened, address, isOwn: own !== undefined }
  } catch (error) {
    await opened.log.close()
    throw error
  }
}

/** Handles signals to end: the first one stops reading, the second one abandons events without an acknowledgement. */
function stoppable(): { stopping: AbortController; abandoning: AbortController } {
  const stopping = new AbortController()
  const abandoning = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) abandoning.abort()
      else
        process.stderr.write(
          'Stopping when the log has all events that were read. Stop a second time to give up these events.\n',
        )
      stopping.abort()
    })
  }
  return { stopping, abandoning }
}

function troubleReporter(progress: { clear(): void }): (error: string) => void {
  let shownMs = Number.NEGATIVE_INFINITY
  return error => {
    const now = performance.now()
    if (now - shownMs < TROUBLE_SHOWN_EVERY_MS) return
    shownMs = now
    progress.clear()
    process.stderr.write(`not stored yet, sending again: ${error}\n`)
  }
}

function summaryOf(producer: Producer, rejected: number, limit: number, elapsedMs: number): string {
  const { acknowledged, unacknowledged } = producer.summary()
  const rate = Math.round((acknowledged * 1000) / Math.max(elapsedMs, 1))
  const lost = unacknowledged === 0 ? '' : `, ${unacknowledged} not acknowledged (the log may have them or not)`
  const limited = acknowledged === limit ? ` (stopped at --limit ${limit})` : ''
  return `${acknowledged} events in ${(elapsedMs / 1000).toFixed(1)} s, ${rate} events/s, ${rejected} rejected${lost}${limited}\n`
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 3600)) {
    throw new UsageError(`--delay takes seconds from 0 to 3600, not '${text}'`)
  }
  return value
}
