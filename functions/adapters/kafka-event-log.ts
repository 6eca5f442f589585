import { setTimeout as sleep } from 'node:timers/promises'
import {
  Admin,
  type BaseOptions,
  type ClusterTopicMetadata,
  ConfigResourceTypes,
  type Connection,
  compatibilityPartitioner,
  fetchV13,
  fetchV14,
  fetchV15,
  fetchV16,
  fetchV17,
  ListOffsetTimestamps,
  ProduceAcks,
  Producer,
  type RecordsBatch,
} from '@platformatic/kafka'
import { laneName } from '../core/delivery.ts'
import { type Position, START, toPosition } from '../core/lane.ts'
import type { LogRecord } from '../core/record.ts'
import type { Append, AppendOutcome, EventLog } from '../ports/event-log.ts'

/** How the brokers know who we are. A token is asked for at each log-in, and when the broker wants one anew. */
export type KafkaLogin =
  | { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string }
  | { mechanism: 'OAUTHBEARER'; token(): Promise<string> }

export interface KafkaEventLogOptions {
  /** `host:port` of a few brokers; the others are found through them. */
  brokers: string[]
  topic: string
  sasl?: KafkaLogin
  /** True for TLS with Node's own certificate authorities, or options of node:tls. */
  tls?: boolean | NonNullable<BaseOptions['tls']>
}

/** A read ends at about this many bytes, so that a large limit cannot take all memory. */
const MAX_READ_BYTES = 8 * 1024 * 1024
/** Bytes asked of the broker at a time; it sends a batch that is larger all the same. */
const FETCH_BYTES = 1024 * 1024
/** What a batch and a record of it need beside keys and values, at most (message format 2). */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 32
/** Of the keys that Kinesis takes; ours are shorter. */
const LONGEST_KEY_BYTES = 4 * 256
/** A reader waits 100, 200, … ms for a new leader, 3 s in all, before it gives up. */
const READ_ATTEMPTS = 6
const FIRST_WAIT_MS = 100

/**
 * The event log on a Kafka topic with message.timestamp.type=LogAppendTime: a partition is a lane, an offset a
 * position. Kafka 3.1 or later, whose fetches name topics by id.
 *
 * An append is acknowledged when all in-sync replicas have it (acks=all; the topic's min.insync.replicas says how many
 * that must be). Nothing is sent again behind the caller's back, but for one case: a broker that refuses a batch since
 * it no longer leads the partition has not stored it, and the same batch goes to its successor. Where a lane's batch
 * fails, what the call has for that lane behind it is not sent, so that sending again keeps the order.
 *
 * A key goes to the partition that Java's default partitioner gives it: murmur2 of its UTF-8 bytes, without the sign,
 * modulo the number of partitions (BuiltInPartitioner.partitionForKey of org.apache.kafka.clients.producer.internals).
 *
 * Reading belongs to no consumer group and sees committed records only. What retention has removed is skipped.
 *
 * @throws Error that says what to do when no broker answers, the log-in is refused, or the topic is missing or keeps
 *   its producers' times
 */
export async function openKafkaEventLog(options: KafkaEventLogOptions): Promise<EventLog> {
  const { topic, sasl, tls } = options
  const clientOptions: BaseOptions = {
    clientId: 'landcover',
    bootstrapBrokers: options.brokers,
    retries: 0,
    requestTimeout: 15_000,
    ...(sasl && { sasl: { ...sasl, authBytesValidator: refuseFailures } }),
    ...(tls && { tls: tls === true ? {} : tls }),
  }
  const reader = new Admin(clientOptions)
  const producer = new Producer({ ...clientOptions, acks: ProduceAcks.ALL })
  const close = async (): Promise<void> => {
    await Promise.all([reader.close(), producer.close()])
  }
  const saying = <T>(action: Promise<T>): Promise<T> => action.catch(error => Promise.reject(clear(error, options)))

  let maxBatchBytes: number
  let topicId: string
  let partitions: number
  let fetchVersion: FetchVersion
  try {
    maxBatchBytes = await checkedBatchLimit(reader, options)
    const described = await topicOf(reader, topic)
    topicId = described.id
    partitions = described.partitionsCount
    fetchVersion = await newestFetch(reader)
  } catch (error) {
    await close()
    throw clear(error, options)
  }
  const identity = `${topic}.${topicId}`

  /** The topic as it is now, a few seconds old at most. */
  async function currentTopic(): Promise<ClusterTopicMetadata> {
    const current = await topicOf(reader, topic)
    if (current.id !== topicId) throw new Error(`the topic ${topic} was deleted and created again: open the log anew`)
    partitions = current.partitionsCount
    return current
  }

  const laneOf = (partition: number): string => laneName(identity, String(partition))

  async function partitionOf(lane: string): Promise<number> {
    const partition = lane.startsWith(`${identity}.`) ? Number(lane.slice(identity.length + 1)) : Number.NaN
    const isLane = (): boolean => lane === laneOf(partition) && partition < partitions
    if (!isLane()) {
      // A partition that was added just now is not in metadata of a few seconds ago.
      reader.clearMetadata()
      await saying(currentTopic())
    }
    if (!isLane()) throw new Error(`the log ${identity} has no lane '${lane}'`)
    return partition
  }

  async function partitionFor(record: Append): Promise<number> {
    return 'lane' in record ? partitionOf(record.lane) : partitionOfKey(record.key)
  }

  function partitionOfKey(key: string): number {
    return compatibilityPartitioner({ topic }, Buffer.from(key)) % partitions
  }

  async function sendBatch(partition: number, batch: readonly Append[]): Promise<bigint> {
    const { offsets } = await producer.send({
      acks: ProduceAcks.ALL,
      messages: batch.map(record => ({
        topic,
        partition,
        value: asBuffer(record.data),
        ...('key' in record && { key: Buffer.from(record.key) }),
      })),
    })
    const offset = offsets?.[0]?.offset
    if (offset === undefined || offset < 0n) throw new Error('the broker told no offset')
    return offset
  }

  async function appendToLane(partition: number, records: readonly Append[]): Promise<AppendOutcome[]> {
    const lane = laneOf(partition)
    const outcomes: AppendOutcome[] = []
    let stopped: string | null = null
    for (const batch of batches(records, maxBatchBytes)) {
      if (stopped !== null) {
        const error = `not sent, since a record before it failed: ${stopped}`
        outcomes.push(...batch.map(() => ({ error })))
        continue
      }
      try {
        const first = await sendBatch(partition, batch)
        outcomes.push(...batch.map((_, index) => ({ lane, position: toPosition(first + BigInt(index)) })))
      } catch (cause) {
        const error = clear(cause, options).message
        // A record that is too large stays so: it must not hold up what stands behind it.
        const tooLarge = isApiError(cause, 'MESSAGE_TOO_LARGE')
        outcomes.push(...batch.map(() => ({ error, ...(tooLarge && { tooLarge }) })))
        if (!tooLarge) stopped = error
      }
    }
    return outcomes
  }

  async function fetchPage(partition: number, offset: bigint): Promise<Page> {
    const { partitions: leaders } = await currentTopic()
    const leader = leaders[partition]?.leader as number
    const connection = (await reader.connectToBrokers([leader])).get(leader)
    if (!connection) throw new Error(`the leader of partition ${partition} is not known`)
    try {
      return pageOf(
        await fetchPartition(fetchVersion, connection, topicId, partition, offset),
        laneOf(partition),
        offset,
      )
    } catch (error) {
      if (!isApiError(error, 'OFFSET_OUT_OF_RANGE')) throw error
    }
    const earliest = await offsetAt(reader, topic, partition, ListOffsetTimestamps.EARLIEST)
    if (offset < earliest) return { records: [], next: earliest }
    throw new Error(
      `${laneOf(partition)} ends before offset ${offset}, which was read before: the partition has lost acknowledged records (see unclean.leader.election.enable)`,
    )
  }

  async function fetchPageFromAnyLeader(partition: number, offset: bigint): Promise<Page> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await fetchPage(partition, offset)
      } catch (error) {
        if (attempt === READ_ATTEMPTS || !isPassing(error)) throw error
        reader.clearMetadata()
        await sleep(FIRST_WAIT_MS * 2 ** (attempt - 1))
      }
    }
  }

  /** Per lane, what the last read has fetched beyond its limit: the next one most often goes on there. */
  const ahead = new Map<string, Page & { after: Position }>()

  return {
    identity,
    maxRecordBytes: maxBatchBytes - BATCH_OVERHEAD_BYTES - RECORD_OVERHEAD_BYTES - LONGEST_KEY_BYTES,
    async lanes() {
      await saying(currentTopic())
      return Array.from({ length: partitions }, (_, partition) => ({
        name: laneOf(partition),
        parents: [],
        closed: false,
      }))
    },
    destinationOf: key => ({ lane: laneOf(partitionOfKey(key)) }),
    async append(records) {
      const indexesOf = new Map<number, number[]>()
      for (const [index, record] of records.entries()) {
        const partition = await partitionFor(record)
        const indexes = indexesOf.get(partition)
        if (indexes) indexes.push(index)
        else indexesOf.set(partition, [index])
      }
      try {
        await currentTopic()
      } catch (cause) {
        const error = clear(cause, options).message
        return records.map(() => ({ error }))
      }
      const outcomes = new Array<AppendOutcome>(records.length)
      await Promise.all(
        Array.from(indexesOf, async ([partition, indexes]) => {
          const ofLane = await appendToLane(
            partition,
            indexes.map(index => records[index] as Append),
          )
          for (const [n, index] of indexes.entries()) outcomes[index] = ofLane[n] as AppendOutcome
        }),
      )
      return outcomes
    },
    async read(lane, after, limit) {
      const partition = await partitionOf(lane)
      const kept = ahead.get(lane)
      ahead.delete(lane)
      let { records, next }: Page =
        kept?.after === after ? kept : { records: [], next: after === START ? 0n : BigInt(after) + 1n }
      let bytes = byteLength(records)
      while (records.length < limit && bytes < MAX_READ_BYTES) {
        const page = await saying(fetchPageFromAnyLeader(partition, next))
        if (page.next === next) break
        records = records.concat(page.records)
        bytes += byteLength(page.records)
        next = page.next
      }
      const result = records.slice(0, limit)
      const last = result.at(-1)
      if (last && records.length > limit) ahead.set(lane, { after: last.position, records: records.slice(limit), next })
      return result
    },
    async end(lane) {
      const offset = await saying(offsetAt(reader, topic, await partitionOf(lane), ListOffsetTimestamps.LATEST))
      return offset === 0n ? START : toPosition(offset - 1n)
    },
    close,
  }
}

/**
 * The largest batch that the topic takes, in bytes.
 *
 * @throws Error with the command that mends the topic, where it is missing or keeps its producers' times
 */
async function checkedBatchLimit(admin: Admin, { topic, brokers, sasl, tls }: KafkaEventLogOptions): Promise<number> {
  const login = sasl || tls ? ' --command-config client.properties' : ''
  const server = `--bootstrap-server ${brokers.join(',')}${login}`
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }
  const [described] = await admin.describeConfigs({ resources: [resource] }).catch(error => {
    if (!isApiError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
    throw new Error(
      `the topic ${topic} does not exist. Create it: kafka-topics.sh ${server} --create --topic ${topic} --partitions 4 --config message.timestamp.type=LogAppendTime`,
    )
  })
  const setting = (name: string) => described?.configs.find(config => config.name === name)?.value
  const timestampType = setting('message.timestamp.type')
  if (timestampType !== 'LogAppendTime') {
    throw new Error(
      `the topic ${topic} has message.timestamp.type=${timestampType}: its records would carry their producers' times, not their times of arrival. Mend it: kafka-configs.sh ${server} --alter --entity-type topics --entity-name ${topic} --add-config message.timestamp.type=LogAppendTime (records that it holds already keep their producers' times: take a new topic where there are any)`,
    )
  }
  return Number(setting('max.message.bytes'))
}

async function topicOf(admin: Admin, topic: string): Promise<ClusterTopicMetadata> {
  const metadata = await admin.metadata({ topics: [topic] })
  return metadata.topics.get(topic) as ClusterTopicMetadata
}

async function offsetAt(admin: Admin, topic: string, partition: number, timestamp: bigint): Promise<bigint> {
  const partitions = [{ partitionIndex: partition, timestamp }]
  const [described] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
  return described?.partitions[0]?.offset ?? 0n
}

/** Versions of the Fetch API that name topics by id; they differ in nothing that is used here. */
const FETCH_VERSIONS = [fetchV17, fetchV16, fetchV15, fetchV14, fetchV13]
type FetchVersion = (typeof FETCH_VERSIONS)[number]
type FetchResponsePartition = fetchV17.FetchResponsePartition

async function newestFetch(admin: Admin): Promise<FetchVersion> {
  const fetch = (await admin.listApis()).find(api => api.name === 'Fetch')
  const newest = FETCH_VERSIONS.find(({ api }) => api.version <= (fetch?.maxVersion ?? 0))
  if (!newest) throw new Error('the broker is older than Kafka 3.1')
  return newest
}

const READ_COMMITTED = 1
const SESSIONLESS = -1
const UNKNOWN_EPOCH = -1

/**
 * One Fetch request. The client's own fetch opens a session on the broker for each request and, with more than one
 * aborted transaction or one that ends in a later response, lets aborted records through (see committedOnly).
 */
async function fetchPartition(
  { api }: FetchVersion,
  connection: Connection,
  topicId: string,
  partition: number,
  fetchOffset: bigint,
): Promise<FetchResponsePartition> {
  const wanted = {
    partition,
    fetchOffset,
    partitionMaxBytes: FETCH_BYTES,
    currentLeaderEpoch: UNKNOWN_EPOCH,
    lastFetchedEpoch: UNKNOWN_EPOCH,
  }
  // No waiting for more: the broker serves a connection's requests one by one, so an idle lane would hold up others.
  const topics = [{ topicId, partitions: [wanted] }]
  const response = await api.async(connection, 0, 1, FETCH_BYTES, READ_COMMITTED, 0, SESSIONLESS, topics, [], '')
  return response.responses[0]?.partitions[0] as FetchResponsePartition
}

/** Records of a partition, and the offset behind the last batch that was looked at: the same one again at the end. */
interface Page {
  records: LogRecord[]
  next: bigint
}

const IS_LOG_APPEND_TIME = 0b1000
const IS_TRANSACTIONAL = 0b1_0000
const IS_CONTROL = 0b10_0000

function pageOf(fetched: FetchResponsePartition, lane: string, from: bigint): Page {
  const records: LogRecord[] = []
  let next = from
  for (const batch of committedOnly(fetched)) {
    for (const record of batch.records) {
      const offset = batch.firstOffset + BigInt(record.offsetDelta)
      // A broker sends whole batches, also of records before the offset that was asked for.
      if (offset < from) continue
      // With LogAppendTime the broker's time stands once, as the batch's largest: the deltas are the producer's.
      const isStampedByBroker = (batch.attributes & IS_LOG_APPEND_TIME) !== 0
      const arrival = isStampedByBroker ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta
      const data = record.value ?? Buffer.alloc(0)
      records.push({ lane, position: toPosition(offset), arrivalMs: Number(arrival), data })
    }
  }
  for (const batch of fetched.records ?? []) {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    if (end > next) next = end
  }
  return { records, next }
}

/**
 * The batches of records, without transaction markers and what they abort: a transaction that the broker names is
 * aborted from its first offset up to its producer's next marker.
 *
 * @see https://cwiki.apache.org/confluence/display/KAFKA/KIP-98 on reading transactional messages
 */
function* committedOnly({ records, abortedTransactions }: FetchResponsePartition): Generator<RecordsBatch> {
  const pending = (abortedTransactions ?? []).toSorted((a, b) => Number(a.firstOffset - b.firstOffset))
  const aborting = new Set<bigint>()
  for (const batch of records ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta)
    while (pending[0] && pending[0].firstOffset <= last) {
      aborting.add((pending.shift() as (typeof pending)[number]).producerId)
    }
    if (batch.attributes & IS_CONTROL) aborting.delete(batch.producerId)
    else if (!(batch.attributes & IS_TRANSACTIONAL && aborting.has(batch.producerId))) yield batch
  }
}

/** Cuts records into batches that the topic takes; one that is too large for it stands alone, for the broker to refuse. */
function* batches(records: readonly Append[], maxBatchBytes: number): Generator<Append[]> {
  let batch: Append[] = []
  let bytes = BATCH_OVERHEAD_BYTES
  for (const record of records) {
    const size = RECORD_OVERHEAD_BYTES + record.data.byteLength + ('key' in record ? Buffer.byteLength(record.key) : 0)
    if (batch.length > 0 && bytes + size > maxBatchBytes) {
      yield batch
      batch = []
      bytes = BATCH_OVERHEAD_BYTES
    }
    batch.push(record)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

function byteLength(records: readonly LogRecord[]): number {
  return records.reduce((sum, { data }) => sum + data.byteLength, 0)
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** An error, its cause and the errors that it sums up, outermost first. */
function* within(error: unknown): Generator<Error & Record<string, unknown>> {
  if (!(error instanceof Error)) return
  yield error as Error & Record<string, unknown>
  yield* within(error.cause)
  if (error instanceof AggregateError) for (const inner of error.errors) yield* within(inner)
}

function isApiError(error: unknown, apiId: string): boolean {
  return within(error).some(inner => inner.apiId === apiId)
}

/** Whether another attempt may succeed: a broker is away, or another leads the partition now. */
function isPassing(error: unknown): boolean {
  return within(error).some(inner => inner.canRetry === true || inner.hasStaleMetadata === true)
}

/**
 * By OAUTHBEARER a broker says what is wrong in an answer that is none of an error (RFC 7628, section 3.2.2).
 */
function refuseFailures(answer: Buffer, callback: (error: Error | null, answer: Buffer) => void): void {
  const text = answer.toString('utf8')
  const [status] = /(?<="status"\s*:\s*")[^"]+/.exec(text) ?? []
  callback(status === undefined ? null : new Error(`the broker says: ${status}`), answer)
}

/** The client's outermost message is "Cannot connect to any broker" even where the password is wrong: says the reason. */
function clear(error: unknown, { brokers, topic, sasl }: KafkaEventLogOptions): Error {
  const all = [...within(error)]
  if (sasl && all.some(inner => inner.code === 'PLT_KFK_AUTHENTICATION')) {
    const server = `Kafka at ${brokers.join(',')}`
    const [own] = all.filter(inner => !String(inner.code).startsWith('PLT_KFK_')).slice(-1)
    const why = own ? ` (${own.message})` : ''
    const message =
      'username' in sasl
        ? `${server} refuses the log-in of '${sasl.username}' by ${sasl.mechanism}: check the user name, the password and the mechanism`
        : `${server}: no log-in by ${sasl.mechanism}${why}: check who signs in, and what that one may do`
    return new Error(message, { cause: error })
  }
  if (!all.some(inner => String(inner.code).startsWith('PLT_KFK_'))) return error as Error
  const reasons = all.filter(inner => !inner.cause && !(inner instanceof AggregateError))
  const text = [...new Set(reasons.map(reason => String(reason.apiId ?? reason.message)))].join('; ')
  return new Error(`Kafka topic ${topic} at ${brokers.join(',')}: ${text}`, { cause: error })
}
