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

/** Bytes that one fetch asks for. The broker sends a larger batch nevertheless. */
const FETCH_BYTES = 1024 * 1024

/** Versions of the Fetch API that name topics by id. Their differences do not matter here. */
const FETCH_VERSIONS = [fetchV17, fetchV16, fetchV15, fetchV14, fetchV13]
/** Version of the Fetch API. */
export type FetchVersion = (typeof FETCH_VERSIONS)[number]
type FetchResponsePartition = fetchV17.FetchResponsePartition

/** Returns the newest version of the Fetch API that the broker knows. @throws Error when it knows none of them */
export async function newestFetch(admin: Admin): Promise<FetchVersion> {
  const fetch = (await admin.listApis()).find(api => api.name === 'Fetch')
  const newest = FETCH_VERSIONS.find(({ api }) => api.version <= (fetch?.maxVersion ?? 0))
  if (!newest) throw new Error('the broker is older than Kafka 3.1')
  return newest
}

/** Records that a fetch returns: all, or only those of committed transactions and those outside transactions. */
export const ISOLATION = { uncommitted: 0, committed: 1 } as const
const SESSIONLESS = -1
const UNKNOWN_EPOCH = -1

/**
 * Sends one Fetch request. The client's own fetch is not used: it opens a session on the broker for each request. It
 * also returns aborted records when there are several aborted transactions, or when one ends in a later response (see
 * committedOnly).
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
  // Does not wait for more: the broker serves a connection's requests in order, so an idle lane would delay others.
  const topics = [{ topicId, partitions: [wanted] }]
  const response = await api.async(connection, 0, 1, FETCH_BYTES, isolation, 0, SESSIONLESS, topics, [], '')
  return response.responses[0]?.partitions[0] as FetchResponsePartition
}

/** Result of one fetch. */
export interface Page {
  records: LogRecord[]
  /** Offset after the last batch that was examined. Where there was none, the offset at which the fetch began. */
  next: bigint
  /** True when `next` is a record that the broker did not stamp: `records` has nothing from there on. */
  isUnstamped: boolean
  /** True when an open transaction holds back the records after `next`. */
  isHeldBack: boolean
}

const IS_LOG_APPEND_TIME = 0b1000
const IS_TRANSACTIONAL = 0b1_0000
const IS_CONTROL = 0b10_0000

/**
 * Returns the committed records of a fetch, up to the first that the broker did not stamp. Each batch says whether it
 * has the broker's or the producer's time: the topic's setting may have been different when the batch was stored.
 */
export function pageOf(fetched: FetchResponsePartition, lane: string, from: bigint): Page {
  const records: LogRecord[] = []
  let unstamped: bigint | null = null
  for (const batch of committedOnly(fetched)) {
    // A broker sends whole batches, which can also hold records before the requested offset.
    const offsets = batch.records.map(({ offsetDelta }) => batch.firstOffset + BigInt(offsetDelta))
    const wanted = offsets.findIndex(offset => offset >= from)
    if (wanted === -1) continue
    if ((batch.attributes & IS_LOG_APPEND_TIME) === 0) {
      unstamped = offsets[wanted] as bigint
      break
    }
    // A batch has the broker's time once, as its largest timestamp. The deltas are the producer's.
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

/** Returns the time of a fetch's first batch, ms, by the clock of broker or producer; null without a batch. */
export function firstTimeOf({ records }: FetchResponsePartition): number | null {
  const [first] = records ?? []
  return first ? Number(first.maxTimestamp) : null
}

/**
 * Yields the batches of records, without transaction markers and without aborted records. The broker names aborted
 * transactions: each reaches from its first offset to its producer's next marker.
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
