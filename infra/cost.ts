import { parseArgs } from 'node:util'
import { HOUR_MS, SECOND_MS } from '../functions/core/time.ts'
import { type Stage, stageNamed } from './stages.ts'

/** What a stage costs a month, run as `npx node infra/cost.ts --help`. docs/cost.md has the formulae in words. */

/** US dollars in us-east-1, without free tiers, discounts and taxes. docs/cost.md says by what each was confirmed. */
interface Price {
  dollars: number
  per: number
  unit: string
  page: string
}

const price = (dollars: number, per: number, unit: string, service: string): Price => ({
  dollars,
  per,
  unit,
  page: `https://aws.amazon.com/${service}/pricing/`,
})

const K = 1_000
const M = 1_000_000

export const PRICES = {
  shard: price(0.015, 1, 'shard-hours', 'kinesis/data-streams'),
  shardKept: price(0.02, 1, 'shard-hours of keeping records for 1 to 7 days', 'kinesis/data-streams'),
  putUnit: price(0.014, M, 'PUT payload units of 25 KB', 'kinesis/data-streams'),
  fanOut: price(0.015, 1, 'shard-hours of a consumer with a reader of its own', 'kinesis/data-streams'),
  fanOutRead: price(0.013, 1, 'GB read by a reader of its own', 'kinesis/data-streams'),
  onDemand: price(0.04, 1, 'hours of an on-demand stream', 'kinesis/data-streams'),
  onDemandIn: price(0.08, 1, 'GB written on demand', 'kinesis/data-streams'),
  onDemandOut: price(0.04, 1, 'GB read on demand', 'kinesis/data-streams'),
  onDemandFanOut: price(0.05, 1, 'GB read on demand by a reader of its own', 'kinesis/data-streams'),
  onDemandKept: price(0.1, 1, 'GB-months of keeping records for 1 to 7 days', 'kinesis/data-streams'),
  dataKey: price(0.03, 10 * K, 'requests for a data key', 'kms'),
  invocation: price(0.2, M, 'invocations', 'lambda'),
  compute: price(0.0000133334, 1, 'GB-seconds on ARM', 'lambda'),
  writeUnit: price(0.625, M, 'write request units of 1 KB', 'keyspaces'),
  readUnit: price(0.125, M, 'read request units of 4 KB', 'keyspaces'),
  ttlDelete: price(0.275, M, 'TTL deletes of 1 KB', 'keyspaces'),
  rowStorage: price(0.25, 1, 'GB-months of rows', 'keyspaces'),
  put: price(0.005, K, 'PUT or LIST requests', 's3'),
  get: price(0.0004, K, 'GET requests', 's3'),
  objectStorage: price(0.023, 1, 'GB-months of objects', 's3'),
  scan: price(5, 1024, 'GB scanned, at least 10 MB a statement', 'athena'),
  apiRequest: price(3.5, M, 'requests to a REST API', 'api-gateway'),
  edgeRequest: price(0.01, 10 * K, 'HTTPS requests to CloudFront', 'cloudfront'),
  edgeFunction: price(0.1, M, 'invocations of a CloudFront function', 'cloudfront'),
  edgeOut: price(0.085, 1, 'GB to viewers', 'cloudfront'),
  metric: price(0.3, 1, 'metric-months', 'cloudwatch'),
  alarm: price(0.1, 1, 'alarm-months', 'cloudwatch'),
  dashboard: price(3, 1, 'dashboard-months', 'cloudwatch'),
  logged: price(0.5, 1, 'GB logged', 'cloudwatch'),
  logStorage: price(0.03, 1, 'GB-months of logs', 'cloudwatch'),
  trace: price(5, M, 'traces recorded', 'xray'),
  busEvent: price(1, M, 'custom events', 'eventbridge'),
  scheduled: price(1, M, 'invocations by a schedule', 'eventbridge'),
  notification: price(0.5, M, 'messages to a topic', 'sns'),
  transition: price(0.025, K, 'state transitions', 'step-functions'),
  secret: price(0.4, 1, 'secret-months', 'secrets-manager'),
} satisfies Record<string, Price>

/** @returns dollars */
function costOf(name: keyof typeof PRICES, quantity: number): number {
  const { dollars, per } = PRICES[name]
  return (dollars / per) * quantity
}

/** What the model takes for granted, all in one place. Bytes were measured with data/generator.ts, times were not. */
export const ASSUMED = {
  /** Memory as deployed, MB; how long a call takes, s, and each event in it. */
  functions: {
    speed: { memoryMb: 1024, seconds: 0.05, perEvent: 0.00001 },
    archive: { memoryMb: 1769, seconds: 0.2, perEvent: 0.00003 },
    heartbeat: { memoryMb: 256, seconds: 0.1, perEvent: 0 },
    batch: { memoryMb: 1769, seconds: 30, perEvent: 0 },
    compaction: { memoryMb: 3008, seconds: 5, perEvent: 0.00005 },
    serving: { memoryMb: 1024, seconds: 0.06, perEvent: 0 },
  },
  /** What a batch run takes longer for each GB that its statements scan, s. */
  secondsPerGb: 10,
  /** Bytes of a record, which the producer compresses where it is worth it. */
  recordBytes: { header: 330, perEvent: 61 },
  /** Bytes of an archive file. */
  fileBytes: { header: 4_500, perEvent: 104 },
  /** How much longer a record is in a delivery: base64, and its envelope. */
  deliveryInflation: 1.4,
  /** Bytes of rows with keys and overhead: totals of ten classes, a cursor that knows four producers, an alert. */
  totalsBytes: 2_900,
  cursorBytes: 700,
  alertBytes: 350,
  /** Rows that a delivery of events touches: one window, now and then two. Mixed event times touch more. */
  rowsPerDelivery: 1.2,
  /** Images that the default rule flags: more than two standard deviations off. */
  alertShare: 0.045,
  /** What an on-demand stream begins with. Beyond, it has room for twice what is written. */
  onDemandShards: 4,
  /**
   * A page asks for so many answers, so often, s (web/view-models/questions.ts; what it asks for now and then not counted);
   * an answer has so many bytes on average.
   */
  answersPerRound: 5,
  roundSeconds: 5,
  answerBytes: 2_000,
  /**
   * What a round of answers reads: totals since the cut, of the newest windows and of six hours, of each lane; alerts;
   * views.
   */
  joinedRows: 18,
  newestRows: 12,
  seriesRows: 48,
  alertReads: 140,
  listsPerRound: 3,
  getsPerRound: 1,
  /** The share of a file that is read to tell records apart, and the requests that Athena makes for a file. */
  keyShare: 0.15,
  getsPerFile: 3,
  /** Bytes logged: Lambda's lines of a call, and ours on top; a request's in the access log; a run's. */
  lambdaLog: 450,
  speedLog: 850,
  archiveLog: 500,
  accessLog: 450,
  runLog: 10_000,
  /** Who has credentials of his own to the encrypted stream: each asks for a data key every five minutes. */
  keyUsers: 6,
  /** In infra/watching.ts and infra/batch.ts. */
  alarms: 20,
  dashboards: 1,
  transitionsPerRun: 6,
  putsPerRun: 4,
  listsPerRun: 4,
  /** Of our lines: speed 11, archive 5, batch 1. And of each event source mapping 6. */
  metrics: 11 + 5 + 1 + 2 * 6,
} as const

/** As infra/consumers.ts and infra/front.ts have them. */
export const DEPLOYED = { archiveBatch: 10_000, archiveWindowSeconds: 300, sharedSeconds: 2 } as const

/** What a system is used for. */
export interface Load {
  eventsPerSecond: number
  /** Events in a record: `npm run produce -- --delay 0` packs up to 500. */
  eventsPerRecord: number
  /** Dashboards that are open, on average over the day. */
  dashboards: number
  /** For how long the archive has been filled. */
  months: number
}

const HOURS = 730
const DAYS = HOURS / 24
const SECONDS = HOURS * 3600
const KB = 1024
const MB = 1024 ** 2
const GB = 1024 ** 3
const SHARD_RECORDS = 1_000
/** What Lambda hands over at once. */
const DELIVERY_BYTES = 6 * MB
/** Of functions/archive/archive.ts. */
const EVENTS_PER_FILE = 100_000
const LEAST_SCANNED = 10 * MB
/** Speed layer and archive. */
const CONSUMERS = 2
const WINDOWS_PER_HOUR = 6
/** Of the tables in functions/adapters/schema.ts. */
const ROW_DAYS = 28

/** Dollars a month, by service. */
export type Costs = Record<string, number>

/** @throws Error when the stage has too few shards for the load, or is not one of AWS */
export function monthlyCost(stage: Stage, load: Load): Costs {
  if (stage.speedStore.kind !== 'keyspaces') throw new Error(`the stage ${stage.name} is not one of AWS`)
  const month = monthOf(stage, load)
  const allowlist = stage.reads.access === 'allowlist'
  return {
    Kinesis: kinesis(stage, month),
    Lambda: lambda(month),
    Keyspaces: keyspaces(month),
    S3: objects(stage, load, month),
    Athena: costOf('scan', month.scannedBytes / GB),
    'API Gateway': costOf('apiRequest', month.rounds * ASSUMED.answersPerRound),
    CloudFront:
      costOf('edgeRequest', month.viewed) +
      costOf('edgeFunction', allowlist ? month.viewed : 0) +
      costOf('edgeOut', (month.viewed * ASSUMED.answerBytes) / GB),
    'CloudWatch metrics': costOf('metric', ASSUMED.metrics),
    'CloudWatch alarms, dashboard': costOf('alarm', ASSUMED.alarms) + costOf('dashboard', ASSUMED.dashboards),
    'CloudWatch logs': logs(stage, month),
    'X-Ray': costOf('trace', month.traces),
    'EventBridge, SNS': costOf('busEvent', month.alerts) + costOf('notification', month.alerts),
    'Step Functions, schedules':
      costOf('transition', ASSUMED.transitionsPerRun * month.runs) + costOf('scheduled', month.beats + 2 * month.runs),
    'KMS, Secrets Manager': costOf('dataKey', ASSUMED.keyUsers * 12 * HOURS) + costOf('secret', allowlist ? 1 : 0),
  }
}

/** What happens in a month. */
interface Month {
  shards: number
  events: number
  records: number
  recordBytes: number
  /** Heartbeats of the schedule: each is a record a shard. */
  beats: number
  /** To the speed layer; and those that hold events. */
  deliveries: number
  deliveriesOfEvents: number
  /** To the archive, and the files that it writes. */
  archived: number
  files: number
  slots: number
  /** Of the batch layer, and what their statements scan. */
  runs: number
  scannedBytes: number
  /** Rounds of answers that get past CloudFront, and answers that it gives. */
  rounds: number
  viewed: number
  alerts: number
  traces: number
}

function monthOf(stage: Stage, { eventsPerSecond, eventsPerRecord, dashboards }: Load): Month {
  const recordBytes = ASSUMED.recordBytes.header + ASSUMED.recordBytes.perEvent * eventsPerRecord
  const recordsPerSecond = eventsPerSecond / eventsPerRecord
  const shards = shardsOf(stage, recordsPerSecond, recordBytes)
  const perShard = recordsPerSecond / shards
  const beats = 1 / 60
  // Lambda looks once a second, and delivers where anything has come meanwhile.
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
  // X-Ray's default: one a second, and a twentieth of what is beyond.
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
    // A delivery across the end of a slot makes two files.
    files: (archived + shards * slots + eventsPerSecond / EVENTS_PER_FILE) * SECONDS,
    slots: slots * SECONDS,
    runs: runs * SECONDS,
    scannedBytes: runs * SECONDS * scannedByRun(stage, eventsPerSecond),
    rounds: rounds * SECONDS,
    viewed: ((dashboards * ASSUMED.answersPerRound) / ASSUMED.roundSeconds) * SECONDS,
    alerts: eventsPerSecond * ASSUMED.alertShare * SECONDS,
    traces: traces * SECONDS,
  }
}

function shardsOf(stage: Stage, recordsPerSecond: number, recordBytes: number): number {
  const { shards } = streamOf(stage)
  const needed = Math.max(recordsPerSecond / SHARD_RECORDS, (recordsPerSecond * recordBytes) / MB)
  if (shards === 'on-demand') return Math.max(ASSUMED.onDemandShards, Math.ceil(2 * needed))
  if (needed <= shards) return shards
  throw new Error(`the load takes ${Math.ceil(needed)} shards, the stage ${stage.name} has ${shards}`)
}

function streamOf({ name, eventLog }: Stage): Extract<Stage['eventLog'], { kind: 'kinesis' }> {
  if (eventLog.kind !== 'kinesis')
    throw new Error(`the stage ${name} has its log on Kafka: the model knows Kinesis only`)
  return eventLog
}

/** Slots whose files are read for one new slot, beside its own: the look-back, and the next. */
const slotsBeside = ({ slotMs }: Stage) => Math.ceil((HOUR_MS / 2 + slotMs) / slotMs) + 1

/** Two statements: what the slots hold, by little of each file, and their totals, by all of it. */
function scannedByRun(stage: Stage, eventsPerSecond: number): number {
  const hour = eventsPerSecond * 3600 * ASSUMED.fileBytes.perEvent
  const beside = eventsPerSecond * (stage.slotMs / SECOND_MS) * slotsBeside(stage) * ASSUMED.fileBytes.perEvent
  const content = hour * ASSUMED.keyShare
  const totals = hour + beside * ASSUMED.keyShare
  return Math.max(content, LEAST_SCANNED) + Math.max(totals, LEAST_SCANNED)
}

function kinesis(stage: Stage, { shards, records, recordBytes, beats }: Month): number {
  const stream = streamOf(stage)
  const lateDays = Math.max(stage.retentionHours / 24 - 1, 0)
  const written = (records * Math.ceil(recordBytes / KB) + beats * shards) * (KB / GB)
  if (stream.shards !== 'on-demand') {
    const units = records * Math.ceil(recordBytes / (25 * KB)) + beats * shards
    const hours = HOURS * shards
    const readers = stream.enhancedFanOut ? CONSUMERS : 0
    return (
      costOf('shard', hours) +
      costOf('shardKept', lateDays > 0 ? hours : 0) +
      costOf('putUnit', units) +
      costOf('fanOut', readers * hours) +
      costOf('fanOutRead', readers * written)
    )
  }
  return (
    costOf('onDemand', HOURS) +
    costOf('onDemandIn', written) +
    costOf(stream.enhancedFanOut ? 'onDemandFanOut' : 'onDemandOut', CONSUMERS * written) +
    costOf('onDemandKept', (written / DAYS) * lateDays)
  )
}

function lambda({ events, deliveries, archived, beats, runs, rounds, scannedBytes }: Month): number {
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
    called('compaction', runs, events) +
    called('serving', rounds * ASSUMED.answersPerRound)
  )
}

/** A conditional write costs what any write costs: by the size of its row. */
function keyspaces({ shards, deliveries, deliveriesOfEvents, rounds, alerts }: Month): number {
  const { totalsBytes, cursorBytes, alertBytes, rowsPerDelivery, joinedRows, newestRows, seriesRows, alertReads } =
    ASSUMED
  const written = (bytes: number) => Math.ceil(bytes / KB)
  const read = (bytes: number) => Math.ceil(bytes / (4 * KB))
  const rowsWritten = deliveriesOfEvents * rowsPerDelivery
  // A row's days are looked up before it.
  const rowsRead = (rows: number) => shards * (1 + read(rows * totalsBytes))
  // Four of five answers read the cursors.
  const byRound =
    4 * read(shards * cursorBytes) +
    [joinedRows, newestRows, seriesRows].map(rowsRead).reduce((sum, units) => sum + units) +
    alertReads
  const rowsMade = Math.min(rowsWritten, shards * WINDOWS_PER_HOUR * HOURS * rowsPerDelivery)
  const storedBytes = ((rowsMade * totalsBytes + alerts * alertBytes) * ROW_DAYS) / DAYS
  return (
    costOf('writeUnit', deliveries * written(cursorBytes) + rowsWritten * written(totalsBytes) + alerts) +
    costOf('readUnit', deliveries * read(cursorBytes) + rounds * byRound) +
    costOf('ttlDelete', rowsMade * written(totalsBytes) + alerts) +
    costOf('rowStorage', storedBytes / GB)
  )
}

function objects(stage: Stage, { months }: Load, month: Month): number {
  const { shards, events, files, archived, slots, runs, rounds } = month
  const { header, perEvent } = ASSUMED.fileBytes
  // Each shard's speed layer looks for a new baseline, and for new classes, once a minute.
  const looks = shards * HOURS * 60
  // A compaction writes a slot's file and a note of it.
  const puts = files + ASSUMED.putsPerRun * runs + 2 * slots
  const lists = looks + (ASSUMED.listsPerRun + 1) * runs + ASSUMED.listsPerRound * rounds
  const byAthena = (files / slots) * (2 + slotsBeside(stage)) * ASSUMED.getsPerFile * runs
  const gets = looks + archived + files + byAthena + ASSUMED.getsPerRound * rounds
  const compacted = events * perEvent + slots * header
  const replaced = (events * perEvent + files * header) * ((stage.disposable ? 1 : 30) / DAYS)
  return (
    costOf('put', puts + lists) + costOf('get', gets) + costOf('objectStorage', (compacted * months + replaced) / GB)
  )
}

function logs({ logDays }: Stage, { deliveries, archived, beats, runs, rounds }: Month): number {
  const requests = rounds * ASSUMED.answersPerRound
  const bytes =
    (deliveries + archived + beats + 2 * runs + requests) * ASSUMED.lambdaLog +
    deliveries * ASSUMED.speedLog +
    archived * ASSUMED.archiveLog +
    requests * ASSUMED.accessLog +
    runs * ASSUMED.runLog
  return costOf('logged', bytes / GB) + costOf('logStorage', (bytes / GB) * (logDays / DAYS))
}

/** The stage of a name. What it must be told does not matter to its costs. */
export function stageToPrice(name: string): Stage {
  return stageNamed(name, () => '192.0.2.0/24')
}

/** A table in Markdown: services down, loads across. */
export function costTable(columns: readonly { heading: string; costs: Costs }[]): string {
  const services = Object.keys(columns[0]?.costs ?? {})
  const total = (costs: Costs) => Object.values(costs).reduce((sum, dollars) => sum + dollars, 0)
  const rows = [
    ['Dollars a month', ...columns.map(({ heading }) => heading)],
    ...services.map(service => [service, ...columns.map(({ costs }) => rounded(costs[service] as number))]),
    ['All', ...columns.map(({ costs }) => rounded(total(costs)))],
  ]
  const widths = [0, ...columns.keys().map(column => column + 1)].map(column =>
    Math.max(...rows.map(row => (row[column] as string).length)),
  )
  const padded = (row: readonly string[], filler: string) =>
    row.map((cell, column) => {
      const width = widths[column] as number
      return column === 0 ? cell.padEnd(width, filler) : cell.padStart(width, filler)
    })
  const [head, ...body] = rows.map(row => padded(row, ' '))
  const rule = padded(['', ...columns.map(() => ':')], '-')
  return [head as string[], rule, ...body].map(cells => `| ${cells.join(' | ')} |\n`).join('')
}

function rounded(dollars: number): string {
  return dollars.toFixed(dollars < 100 ? 2 : 0)
}

const USAGE = `npx node infra/cost.ts [--stage dev,prod] [--events 0,20] [--packed 1] [--dashboards 0] [--months 12]
  What a stage costs, for each of the stages and of the events a second.
  --packed      events in a record
  --dashboards  open ones, on average over the day
  --months      for how long the archive has been filled
`

function main(): void {
  const { values } = parseArgs({
    options: {
      stage: { type: 'string', default: 'dev,prod' },
      events: { type: 'string', default: '0' },
      packed: { type: 'string', default: '1' },
      dashboards: { type: 'string', default: '0' },
      months: { type: 'string', default: '12' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const columns = values.stage.split(',').flatMap(name =>
    values.events.split(',').map(events => {
      const costs = monthlyCost(stageToPrice(name), {
        eventsPerSecond: numberOf('events', events, 0),
        eventsPerRecord: numberOf('packed', values.packed, 1),
        dashboards: numberOf('dashboards', values.dashboards, 0),
        months: numberOf('months', values.months, 0),
      })
      return { heading: `${name}, ${events}/s`, costs }
    }),
  )
  process.stdout.write(costTable(columns))
}

function numberOf(flag: string, text: string, least: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= least && value < Number.POSITIVE_INFINITY) return value
  throw new Error(`--${flag} takes a number from ${least} on, not '${text}'`)
}

if (import.meta.main) {
  try {
    main()
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
}
