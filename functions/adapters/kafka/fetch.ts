import {
  type Admin,
  type Connection,
  fetchV13,
  fetchV14,
  fetchV15,
  fetchV16,
  fetchV17,
  type RecordsBatch,
} from '@platformatic/kafka'
import { toPosition } from '../../core/lane.ts'
import type { LogRecord } from '../../core/record.ts'

/** Bytes asked of the broker at a time; it sends a batch that is larger all the same. */
const FETCH_BYTES = 1024 * 1024

/** Versions of the Fetch API that name topics by id; they differ in nothing that is used here. */
const FETCH_VERSIONS = [fetchV17, fetchV16, fetchV15, fetchV14, fetchV13]
export type FetchVersion = (typeof FETCH_VERSIONS)[number]
type FetchResponsePartition = fetchV17.FetchResponsePartition

export async function newestFetch(admin: Admin): Promise<FetchVersion> {
  const fetch = (await admin.listApis()).find(api => api.name === 'Fetch')
  const newest = FETCH_VERSIONS.find(({ api }) => api.version <= (fetch?.maxVersion ?? 0))
  if (!newest) throw new Error('the broker is older than Kafka 3.1')
  return newest
}

/** Which records a fetch sees: all, or those of committed transactions and of none. */
export const ISOLATION = { uncommitted: 0, committed: 1 } as const
const SESSIONLESS = -1
const UNKNOWN_EPOCH = -1

/**
 * One Fetch request. The client's own fetch opens a session on the broker for each request and, with more than one
 * aborted transaction or one that ends in a later response, lets aborted records through (see committedOnly).
 */
export async function fetchPartition(
  { api }: FetchVersion,
  connection: Connection,
  topicId: string,
  partition: number,
  fetchOffset: bigint,
  isolation: (typeof ISOLATION)[keyof typeof ISOLATION],
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
  const response = await api.async(connection, 0, 1, FETCH_BYTES, isolation, 0, SESSIONLESS, topics, [], '')
  return response.responses[0]?.partitions[0] as FetchResponsePartition
}

/** What one fetch came to. */
export interface Page {
  records: LogRecord[]
  /** The offset behind the last batch that was looked at: where the fetch began, when there was nothing to pass. */
  next: bigint
  /** Whether `next` is a record that the broker did not stamp: nothing from there on is among the records. */
  isUnstamped: boolean
  /** Whether a transaction that is open holds back what lies behind `next`. */
  isHeldBack: boolean
}

const IS_LOG_APPEND_TIME = 0b1000
const IS_TRANSACTIONAL = 0b1_0000
const IS_CONTROL = 0b10_0000

/**
 * The committed records of a fetch up to the first that the broker did not stamp. A batch says for itself whose time
 * it carries: the topic's setting may have been another when it was stored.
 */
export function pageOf(fetched: FetchResponsePartition, lane: string, from: bigint): Page {
  const records: LogRecord[] = []
  let unstamped: bigint | null = null
  for (const batch of committedOnly(fetched)) {
    // A broker sends whole batches, also of records before the offset that was asked for.
    const offsets = batch.records.map(({ offsetDelta }) => batch.firstOffset + BigInt(offsetDelta))
    const wanted = offsets.findIndex(offset => offset >= from)
    if (wanted === -1) continue
    if ((batch.attributes & IS_LOG_APPEND_TIME) === 0) {
      unstamped = offsets[wanted] as bigint
      break
    }
    // The broker's time stands once, as the batch's largest: the deltas are the producer's.
    const arrivalMs = Number(batch.maxTimestamp)
    for (const [index, { value }] of batch.records.entries()) {
      if (index < wanted) continue
      records.push({ lane, position: toPosition(offsets[index] as bigint), arrivalMs, data: value ?? Buffer.alloc(0) })
    }
  }
  const next = unstamped ?? endOf(fetched, from)
  const isHeldBack = unstamped === null && next >= fetched.lastStableOffset && next < fetched.highWatermark
  return { records, next, isUnstamped: unstamped !== null, isHeldBack }
}

function endOf({ records }: FetchResponsePartition, from: bigint): bigint {
  let end = from
  for (const { firstOffset, lastOffsetDelta } of records ?? []) {
    const behind = firstOffset + BigInt(lastOffsetDelta) + 1n
    if (behind > end) end = behind
  }
  return end
}

/** When the broker stored the first batch of a fetch, ms, by its own clock or the producer's; null without any. */
export function firstTimeOf({ records }: FetchResponsePartition): number | null {
  const [first] = records ?? []
  return first ? Number(first.maxTimestamp) : null
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
