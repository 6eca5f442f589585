import { PIECE_LIMITS } from '../../functions/archive/merge.ts'
import { SPEED_RETENTION_MS } from '../../functions/core/retention.ts'
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../functions/core/time.ts'
import type { Stage } from '../stages.ts'
import { ASSUMED, DEPLOYED } from './cost-assumptions.ts'
import { lanesOf, logCosts, recordBytesOf } from './cost-log.ts'
import { costOf } from './cost-prices.ts'
import { DAYS, GB, HOURS, KB, MB, SECONDS } from './units.ts'

/** Load of a stage. */
export interface Load {
  eventsPerSecond: number
  /** Events in a record: `npm run produce -- --delay 0` packs up to 500. */
  eventsPerRecord: number
  /** Open dashboards, on average over the day. */
  dashboards: number
  /** Age of the archive, in months. */
  months: number
  /** Dollars for an hour of a Kafka broker, if its type has no price in PRICES. */
  brokerHour?: number | undefined
}

/** Maximum size of a Lambda payload. */
const DELIVERY_BYTES = 6 * MB
/** Maximum events in a file: see functions/archive/archive.ts. */
const EVENTS_PER_FILE = 100_000
/** Minimum that Athena bills for a statement. */
const MIN_SCANNED_BYTES = 10 * MB
const WINDOWS_PER_HOUR = 6
/** Days until a row expires. */
const ROW_DAYS = SPEED_RETENTION_MS / DAY_MS

/** Dollars a month, keyed by service. */
export type Costs = Record<string, number>

/**
 * Cost of a stage in a month. docs/cost.md has the formulas in words.
 *
 * @throws Error if the stage has too few shards for the load, a Kafka of its own or a broker whose price is not known, or
 *   does not run on AWS
 */
export function monthlyCost(stage: Stage, load: Load): Costs {
  if (stage.speedStore.kind !== 'keyspaces')
    throw new Error(`the stage ${stage.name} does not run on AWS: the model has no costs for it`)
  const month = monthOf(stage, load)
  const allowlist = stage.reads.access === 'allowlist'
  return {
    ...logCosts(stage, load, month),
    Lambda: lambda(month),
    Keyspaces: keyspaces(month),
    S3: s3(stage, load, month),
    Athena: costOf('scan', month.scannedBytes / GB),
    'API Gateway': costOf('apiRequest', month.rounds * ASSUMED.answersPerRound),
    CloudFront:
      costOf('edgeRequest', month.viewed) +
      costOf('edgeFunction', allowlist ? month.viewed : 0) +
      costOf('edgeOut', (month.viewed * ASSUMED.answerBytes) / GB),
    'CloudWatch metrics': costOf('metric', ASSUMED.metrics),
    'CloudWatch alarms, dashboard':
      costOf(
        'alarm',
        ASSUMED.alarms[stage.eventLog.kind === 'msk' ? 'msk' : 'kinesis'] + (allowlist ? ASSUMED.allowlistAlarms : 0),
      ) + costOf('dashboard', ASSUMED.dashboards),
    'CloudWatch logs': logs(stage, month),
    'X-Ray': costOf('trace', month.traces),
    'Step Functions, schedules':
      costOf('transition', ASSUMED.transitionsPerRun * month.runs) +
      costOf('scheduled', month.beats + month.runs + month.compactions + month.tellings),
    'KMS, Secrets Manager':
      costOf('dataKey', stage.eventLog.kind === 'kinesis' ? ASSUMED.keyUsers * 12 * HOURS : 0) +
      costOf('secret', stage.cloudFront ? 1 : 0),
  }
}

/** Numbers of one month, for a stage and a load. */
export interface Month {
  /** Shards, or partitions. */
  shards: number
  events: number
  records: number
  recordBytes: number
  /** Heartbeats of the schedule. Each one is a record on every shard. */
  beats: number
  /** Deliveries to the speed layer: all, and those with events. */
  deliveries: number
  deliveriesOfEvents: number
  /** Deliveries to the archive, and files that it writes. */
  archived: number
  files: number
  slots: number
  /** Batch runs, and bytes that their statements scan. */
  runs: number
  /** Calls of compaction: four an hour of each worker. */
  compactions: number
  /** Rounds of telling: by the schedule, and after each run. */
  tellings: number
  scannedBytes: number
  /** Rounds of requests that CloudFront passes on, and answers that CloudFront gives. */
  rounds: number
  viewed: number
  unusualImages: number
  traces: number
}

/** Numbers of a month of a stage under a load. @throws Error as monthlyCost */
export function monthOf(stage: Stage, { eventsPerSecond, eventsPerRecord, dashboards }: Load): Month {
  const recordBytes = recordBytesOf(eventsPerRecord)
  const recordsPerSecond = eventsPerSecond / eventsPerRecord
  const shards = lanesOf(stage, recordsPerSecond, recordBytes)
  const perShard = recordsPerSecond / shards
  const beats = 1 / 60
  // Lambda polls once a second, and delivers if a record came since the last poll.
  const withAny = (rate: number) => shards * (1 - Math.exp(-rate))
  const deliveries = withAny(perShard + beats)
  const archived =
    shards *
    Math.max(
      1 / Math.min(stage.slotMs / SECOND_MS / 4, DEPLOYED.archiveWindowSeconds),
      perShard / DEPLOYED.archiveBatch,
      (perShard * recordBytes * ASSUMED.deliveryInflation) / DELIVERY_BYTES,
    )
  const slots = SECOND_MS / stage.slotMs
  const runs = SECOND_MS / HOUR_MS
  const rounds = Math.min(dashboards / ASSUMED.roundSeconds, 1 / DEPLOYED.sharedSeconds)
  // X-Ray's default: one request a second, and 5 % of the others.
  const requests = rounds * ASSUMED.answersPerRound
  const traces = Math.min(requests, 1) + Math.max(requests - 1, 0) / 20 + runs
  return {
    shards,
    recordBytes,
    events: eventsPerSecond * SECONDS,
    records: recordsPerSecond * SECONDS,
    beats: beats * SECONDS,
    deliveries: deliveries * SECONDS,
    deliveriesOfEvents: withAny(perShard) * SECONDS,
    archived: archived * SECONDS,
    // A delivery that crosses the end of a slot makes two files.
    files: (archived + shards * slots + eventsPerSecond / EVENTS_PER_FILE) * SECONDS,
    slots: slots * SECONDS,
    runs: runs * SECONDS,
    compactions: 4 * stage.compactionWorkers * runs * SECONDS,
    tellings: (1 / DEPLOYED.tellingSeconds + runs) * SECONDS,
    scannedBytes: runs * SECONDS * scannedByRun(stage, eventsPerSecond),
    rounds: rounds * SECONDS,
    viewed: ((dashboards * ASSUMED.answersPerRound) / ASSUMED.roundSeconds) * SECONDS,
    unusualImages: eventsPerSecond * ASSUMED.unusualShare * SECONDS,
    traces: traces * SECONDS,
  }
}

/** Number of other slots whose files are read for one new slot: those in the look-back, and the next one. */
const slotsBeside = ({ slotMs }: Stage) => Math.ceil((HOUR_MS / 2 + slotMs) / slotMs) + 1

/** Bytes that the two statements of a batch run scan: slot content (a small share of each file), and totals (all of it). */
export function scannedByRun(stage: Stage, eventsPerSecond: number): number {
  const hour = eventsPerSecond * 3600 * ASSUMED.fileBytes.perEvent
  const beside = eventsPerSecond * (stage.slotMs / SECOND_MS) * slotsBeside(stage) * ASSUMED.fileBytes.perEvent
  const content = hour * ASSUMED.keyShare
  const totals = hour + beside * ASSUMED.keyShare
  return Math.max(content, MIN_SCANNED_BYTES) + Math.max(totals, MIN_SCANNED_BYTES)
}

function lambda({
  events,
  deliveries,
  archived,
  beats,
  runs,
  compactions,
  tellings,
  rounds,
  scannedBytes,
}: Month): number {
  const called = (name: keyof typeof ASSUMED.functions, calls: number, eventsInThem = 0, moreSeconds = 0) => {
    const { memoryMb, seconds, perEvent } = ASSUMED.functions[name]
    const busySeconds = calls * seconds + eventsInThem * perEvent + moreSeconds
    return costOf('invocation', calls) + costOf('compute', (memoryMb / 1024) * busySeconds)
  }
  return (
    called('speed', deliveries, events) +
    called('archive', archived, events) +
    called('heartbeat', beats) +
    called('batch', runs, 0, (scannedBytes / GB) * ASSUMED.secondsPerGb) +
    called('compaction', compactions, events) +
    called('notify', tellings) +
    called('serving', rounds * ASSUMED.answersPerRound)
  )
}

/** Cost of Keyspaces. A conditional write costs as much as any write: by the size of its row. */
function keyspaces({ shards, deliveries, deliveriesOfEvents, rounds, unusualImages }: Month): number {
  const { totalsBytes, cursorBytes, imageBytes, rowsPerDelivery, joinedRows, newestRows, seriesRows, imageReads } =
    ASSUMED
  const written = (bytes: number) => Math.ceil(bytes / KB)
  const read = (bytes: number) => Math.ceil(bytes / (4 * KB))
  const rowsWritten = deliveriesOfEvents * rowsPerDelivery
  // The days of a row are looked up before the row.
  const rowsRead = (rows: number) => shards * (1 + read(rows * totalsBytes))
  // Four of the five answers in a round read the cursors.
  const byRound =
    4 * read(shards * cursorBytes) +
    [joinedRows, newestRows, seriesRows].map(rowsRead).reduce((sum, units) => sum + units) +
    imageReads
  const rowsMade = Math.min(rowsWritten, shards * WINDOWS_PER_HOUR * HOURS * rowsPerDelivery)
  const storedBytes = ((rowsMade * totalsBytes + unusualImages * imageBytes) * ROW_DAYS) / DAYS
  return (
    costOf('writeUnit', deliveries * written(cursorBytes) + rowsWritten * written(totalsBytes) + unusualImages) +
    costOf('readUnit', deliveries * read(cursorBytes) + rounds * byRound) +
    costOf('ttlDelete', rowsMade * written(totalsBytes) + unusualImages) +
    costOf('rowStorage', storedBytes / GB)
  )
}

/** Files that compaction makes: it merges a lane of a slot in pieces. */
export function piecesOf({ slots, shards, events }: Month): number {
  return slots * shards + events / PIECE_LIMITS.rows
}

function s3(stage: Stage, { months }: Load, month: Month): number {
  const { shards, events, files, archived, slots, runs, compactions, tellings, rounds } = month
  const { header, perEvent } = ASSUMED.fileBytes
  // The speed layer looks for a new baseline and for new classes once a minute, for each shard.
  const looks = shards * HOURS * 60
  // Compaction writes each piece, and an object that records it. Each call stores its progress.
  const pieces = piecesOf(month)
  const puts = files + ASSUMED.putsPerRun * runs + 2 * pieces + compactions
  const lists =
    looks +
    ASSUMED.listsPerRun * runs +
    ASSUMED.listsPerCompaction * compactions +
    ASSUMED.listsPerTelling * tellings +
    ASSUMED.listsPerRound * rounds
  const byAthena = (files / slots) * (2 + slotsBeside(stage)) * ASSUMED.getsPerFile * runs
  const gets = looks + archived + files + byAthena + ASSUMED.getsPerRound * rounds
  const compacted = events * perEvent + pieces * header
  const replaced = (events * perEvent + files * header) * ((stage.disposable ? 1 : 30) / DAYS)
  return (
    costOf('put', puts + lists) + costOf('get', gets) + costOf('objectStorage', (compacted * months + replaced) / GB)
  )
}

function logs({ logDays }: Stage, { deliveries, archived, beats, runs, compactions, tellings, rounds }: Month): number {
  const requests = rounds * ASSUMED.answersPerRound
  const bytes =
    (deliveries + archived + beats + runs + compactions + tellings + requests) * ASSUMED.lambdaLog +
    deliveries * ASSUMED.speedLog +
    archived * ASSUMED.archiveLog +
    requests * ASSUMED.accessLog +
    runs * ASSUMED.runLog
  return costOf('logged', bytes / GB) + costOf('logStorage', (bytes / GB) * (logDays / DAYS))
}
