import { diskFor } from '../constructs/msk-disk.ts'
import type { Stage } from '../stages.ts'
import { ASSUMED, DEPLOYED } from './cost-assumptions.ts'
import { costOf, PRICES } from './cost-prices.ts'
import { DAYS, GB, HOURS, KB, MB, SECONDS } from './units.ts'

/** Records and bytes that a shard of Kinesis accepts in a second. */
const SHARD = { records: 1_000, bytes: MB }
/** Consumers of the log: speed layer and archive. */
const CONSUMERS = 2

type Kinesis = Extract<Stage['eventLog'], { kind: 'kinesis' }>
type Msk = Extract<Stage['eventLog'], { kind: 'msk' }>

/** Numbers of a month that the costs of the log depend on. */
interface LogMonth {
  shards: number
  records: number
  recordBytes: number
  beats: number
}

/**
 * Number of shards or partitions of a stage under a load.
 *
 * @throws Error if the stage has too few shards, or an own Kafka, whose partitions are not known
 */
export function lanesOf(stage: Stage, recordsPerSecond: number, recordBytes: number): number {
  const log = pricedLog(stage)
  if (log.kind === 'msk') return log.partitions
  const { shards } = log
  const needed = Math.max(recordsPerSecond / SHARD.records, (recordsPerSecond * recordBytes) / SHARD.bytes)
  if (shards === 'on-demand') return Math.max(ASSUMED.onDemandShards, Math.ceil(2 * needed))
  if (needed <= shards) return shards
  throw new Error(`the load needs ${Math.ceil(needed)} shards, the stage ${stage.name} has ${shards}`)
}

/** Costs of the log in a month, keyed by service. @throws Error if the price of a broker is not known */
export function logCosts(
  stage: Stage,
  { brokerHour }: { brokerHour?: number | undefined },
  month: LogMonth,
): Record<string, number> {
  const log = pricedLog(stage)
  if (log.kind === 'kinesis') return { Kinesis: kinesis(log, stage.retentionHours, month) }
  return { 'MSK, pollers': msk(log, stage.retentionHours, brokerHour, month) }
}

/**
 * Stage with its log on MSK, sized for a load: disks for its bytes, and partitions of which none does more than half of
 * what the speed layer can apply.
 */
export function onMsk(
  stage: Stage,
  { brokers, brokerType }: Pick<Msk, 'brokers' | 'brokerType'>,
  { eventsPerSecond, eventsPerRecord }: { eventsPerSecond: number; eventsPerRecord: number },
): Stage {
  const recordBytes = recordBytesOf(eventsPerRecord)
  const bytesPerSecond = Math.ceil((eventsPerSecond / eventsPerRecord) * recordBytes)
  const partitions = Math.max(brokers, Math.ceil((2 * eventsPerSecond) / eventsOfLane(eventsPerRecord)))
  return { ...stage, eventLog: { kind: 'msk', brokers, brokerType, bytesPerSecond, partitions } }
}

/** Bytes of a record. */
export function recordBytesOf(eventsPerRecord: number): number {
  return ASSUMED.recordBytes.header + ASSUMED.recordBytes.perEvent * eventsPerRecord
}

/** Events a second that the speed layer applies of one lane: it gets one delivery after the other. */
export function eventsOfLane(eventsPerRecord: number): number {
  const byBytes = Math.floor((6 * MB) / (recordBytesOf(eventsPerRecord) * ASSUMED.deliveryInflation))
  const events = Math.min(DEPLOYED.speedBatch, byBytes) * eventsPerRecord
  const { seconds, perEvent } = ASSUMED.functions.speed
  return events / (seconds + events * perEvent)
}

/** Event pollers that one consumer of a Kafka topic needs: each reads 5 MB a second, and waits for five calls. */
export function pollersOf(partitions: number, bytesPerSecond: number): number {
  return Math.max(1, Math.ceil(bytesPerSecond / (5 * MB)), Math.ceil(partitions / 5))
}

function pricedLog({ name, eventLog }: Stage): Kinesis | Msk {
  if (eventLog.kind !== 'kafka') return eventLog
  throw new Error(`the stage ${name} has its log on a Kafka of its own: the model does not know its costs`)
}

function msk(
  { brokers, brokerType, bytesPerSecond, partitions }: Msk,
  retentionHours: number,
  brokerHour: number | undefined,
  { records, recordBytes }: LogMonth,
): number {
  const { diskGb } = diskFor({ bytesPerSecond, retentionHours, partitions })
  const pollers = CONSUMERS * pollersOf(partitions, (records * recordBytes) / SECONDS)
  // Both consumers share units, each for ten pollers or 20 MB a second.
  const units = Math.ceil(Math.max(pollers / 10, (CONSUMERS * records * recordBytes) / SECONDS / (20 * MB)))
  return (
    brokers * HOURS * (brokerHour ?? priceOf(brokerType)) +
    costOf('brokerDisk', brokers * diskGb) +
    costOf('pollerUnit', units * HOURS)
  )
}

/** Dollars for an hour of a broker. @throws Error that says how to give the price */
function priceOf(brokerType: string): number {
  if (brokerType === 'kafka.t3.small') return PRICES.smallBroker.dollars
  throw new Error(
    `the price of ${brokerType} could not be confirmed: give it with --broker-hour DOLLARS, from ${PRICES.smallBroker.page}`,
  )
}

function kinesis(stream: Kinesis, retentionHours: number, month: LogMonth): number {
  const { shards, records, recordBytes, beats } = month
  const lateDays = Math.max(retentionHours / 24 - 1, 0)
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
