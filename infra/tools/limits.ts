import { diskFor } from '../constructs/msk-disk.ts'
import type { Stage } from '../stages.ts'
import { ASSUMED } from './cost-assumptions.ts'
import { eventsOfLane, pollersOf } from './cost-log.ts'
import { type Load, monthOf, piecesOf, scannedByRun } from './cost-model.ts'
import { DAYS, GB, KB, MB, SECONDS } from './units.ts'

/** Resource of which a stage may use a limited amount. */
export interface Limit {
  name: string
  /** Use by the load, and the limit, in the same unit. */
  used: number
  limit: number
  /** Address of the page that states the limit; or SETTING, or ASSUMPTION. */
  source: string
}

const aws = (path: string) => `https://docs.aws.amazon.com/${path}`
const KEYSPACES = aws('keyspaces/latest/devguide/quotas.html')
const PARTITION = 'https://www.repost.aws/questions/QUhwcuvQftQJCnYB9vpcxB6g'
const S3 = aws('AmazonS3/latest/userguide/optimizing-performance.html')
const STREAMS = aws('streams/latest/dev/service-sizes-and-limits.html')
const LAMBDA = aws('lambda/latest/dg/gettingstarted-limits.html')
/** Source of limits that are settings of this project, and of those that follow from ASSUMED. */
export const SETTING = 'setting'
export const ASSUMPTION = 'assumption'
/** Longest time of a statement of a batch run, s: functions/adapters/sql/athena-batch-query.ts. */
const STATEMENT_SECONDS = 600
/** Maximum of pollers of a consumer: infra/constructs/event-log.ts. */
const MAX_POLLERS = 10

/** Work of a stage in a second, and its data, under a load. */
export interface Scale {
  lanes: number
  /** Maximum number of executions of functions at the same time: both consumers of every lane, and the requests. */
  executions: number
  /** Write units, and CQL statements, of Keyspaces in a second. */
  writeUnits: number
  statements: number
  /** Unusual images in a second. */
  unusualImages: number
  /** Files that the archive gets in a day, before and after compaction. */
  filesADay: number
  compactedADay: number
  /** Workers of compaction that keep up. */
  workers: number
  /** Bytes that a batch run scans. */
  scannedBytes: number
  bytesPerSecond: number
}

/** Scale of a stage under a load, in units of one second or one day. @throws Error as monthlyCost */
export function scaleOf(stage: Stage, load: Load): Scale {
  const month = monthOf(stage, load)
  const aSecond = (ofMonth: number) => ofMonth / SECONDS
  const { totalsBytes, cursorBytes, rowsPerDelivery, functions, answersPerRound } = ASSUMED
  const written = (bytes: number) => Math.ceil(bytes / KB)
  const rows = aSecond(month.deliveriesOfEvents) * rowsPerDelivery
  const deliveries = aSecond(month.deliveries)
  return {
    lanes: month.shards,
    executions: Math.ceil(2 * month.shards + aSecond(month.rounds) * answersPerRound * functions.serving.seconds),
    writeUnits: deliveries * written(cursorBytes) + rows * written(totalsBytes) + aSecond(month.unusualImages),
    // A delivery reads and writes its cursor, and writes its rows; each unusual image is a row.
    statements: 2 * deliveries + rows + aSecond(month.unusualImages),
    unusualImages: aSecond(month.unusualImages),
    filesADay: month.files / DAYS,
    compactedADay: piecesOf(month) / DAYS,
    workers: Math.max(1, Math.ceil(load.eventsPerSecond / ASSUMED.compactedPerSecond)),
    scannedBytes: scannedByRun(stage, load.eventsPerSecond),
    bytesPerSecond: aSecond(month.records * month.recordBytes),
  }
}

/** Limits of a stage under a load, the fullest first. */
export function limitsOf(stage: Stage, load: Load): Limit[] {
  const scale = scaleOf(stage, load)
  const { eventsPerSecond, eventsPerRecord } = load
  const limits = [
    ...logLimits(stage, load, scale),
    limit('concurrent executions', scale.executions, 1_000, LAMBDA),
    limit('write units of a table', scale.writeUnits - scale.unusualImages, 40_000, KEYSPACES),
    limit('write units of anomaly_alerts', scale.unusualImages, 40_000, KEYSPACES),
    limit('unusual images of one class', ASSUMED.largestClass * scale.unusualImages, 1_000, PARTITION),
    limit('files a second', scale.filesADay / (SECONDS / DAYS), 3_500, S3),
    limit('compactionWorkers', eventsPerSecond / ASSUMED.compactedPerSecond, stage.compactionWorkers, SETTING),
    limit('time of a statement', (scale.scannedBytes / GB) * ASSUMED.secondsPerGb, STATEMENT_SECONDS, ASSUMPTION),
    limit('scanLimitBytes', scale.scannedBytes, stage.scanLimitBytes, SETTING),
    limit('speed layer of a lane', eventsPerSecond / scale.lanes, eventsOfLane(eventsPerRecord), ASSUMPTION),
  ]
  return limits.sort((a, b) => b.used / b.limit - a.used / a.limit)
}

const limit = (name: string, used: number, most: number, source: string): Limit => ({ name, used, limit: most, source })

function logLimits({ eventLog, retentionHours }: Stage, load: Load, { bytesPerSecond, lanes }: Scale): Limit[] {
  if (eventLog.kind === 'msk') {
    const { diskGb } = diskFor({ ...eventLog, retentionHours })
    const partitions = eventLog.brokerType === 'kafka.t3.small' ? 300 : 1_000
    return [
      limit('GB of a broker', diskGb, 16_384, aws('msk/latest/developerguide/limits.html')),
      limit('partitions of a broker', lanes, partitions, aws('msk/latest/developerguide/bestpractices.html')),
      limit('event pollers', pollersOf(lanes, bytesPerSecond), MAX_POLLERS, SETTING),
    ]
  }
  // An on-demand stream scales to 200 shards in most regions.
  const shards = eventLog.kind === 'kinesis' && eventLog.shards !== 'on-demand' ? eventLog.shards : 200
  return [
    limit('bytes of the stream', bytesPerSecond, shards * MB, STREAMS),
    limit('records of the stream', load.eventsPerSecond / load.eventsPerRecord, shards * 1_000, STREAMS),
  ]
}
