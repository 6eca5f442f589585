import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, type Connection, ListOffsetTimestamps } from '@platformatic/kafka'
import type { Waiting } from '../../ports/event-log.ts'
import { isApiError, isPassing } from './connection.ts'
import { type FetchVersion, fetchPartition, firstTimeOf, ISOLATION, type Page, pageOf } from './fetch.ts'
import { offsetAt, type Topic } from './topic.ts'

/** Attempts of a read while a partition has no leader. The waits between them are 100, 200, … ms, 3 s in all. */
const READ_ATTEMPTS = 6
const FIRST_WAIT_MS = 100

/** Parts of an open log that a read needs. */
interface PartitionReaderParts {
  reader: Admin
  topic: Topic
  fetchVersion: FetchVersion
}

/** Reads each partition from the broker that leads it. */
export function partitionReader({ reader, topic, fetchVersion }: PartitionReaderParts) {
  async function leaderOf(partition: number): Promise<Connection> {
    const { partitions: leaders } = await topic.current()
    const leader = leaders[partition]?.leader as number
    const connection = (await reader.connectToBrokers([leader])).get(leader)
    if (!connection) throw new Error(`the leader of partition ${partition} is not known`)
    return connection
  }

  const fetch = async (partition: number, offset: bigint, isolation: (typeof ISOLATION)[keyof typeof ISOLATION]) =>
    fetchPartition(fetchVersion, await leaderOf(partition), topic.id, partition, offset, isolation)

  async function pageOnce(partition: number, offset: bigint): Promise<Page> {
    try {
      return pageOf(await fetch(partition, offset, ISOLATION.committed), topic.laneOf(partition), offset)
    } catch (error) {
      if (!isApiError(error, 'OFFSET_OUT_OF_RANGE')) throw error
    }
    const earliest = await offsetAt(reader, topic.name, partition, ListOffsetTimestamps.EARLIEST)
    if (offset < earliest) return { records: [], next: earliest, isUnstamped: false, isHeldBack: false }
    throw new Error(
      `${topic.laneOf(partition)} ends before offset ${offset}, which was read before: the partition has lost acknowledged records (see unclean.leader.election.enable)`,
    )
  }

  async function page(partition: number, offset: bigint): Promise<Page> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await pageOnce(partition, offset)
      } catch (error) {
        if (attempt === READ_ATTEMPTS || !isPassing(error)) throw error
        reader.clearMetadata()
        await sleep(FIRST_WAIT_MS * 2 ** (attempt - 1))
      }
    }
  }

  /** Describes what waits from an offset on: committed records, or records that the log does not return. */
  async function waiting(partition: number, offset: bigint, lastArrivalMs: number | null): Promise<Waiting> {
    for (let next = offset; ; ) {
      const { records, next: behind, isUnstamped, isHeldBack } = await page(partition, next)
      const [first] = records
      if (first) return { oldestMs: first.arrivalMs, reason: null }
      // Its arrival time is unknown, but it cannot be before the last applied record.
      if (isUnstamped) return { oldestMs: lastArrivalMs, reason: unstampedAt(topic.laneOf(partition), behind) }
      if (isHeldBack) {
        const oldestMs = firstTimeOf(await fetch(partition, behind, ISOLATION.uncommitted))
        return { oldestMs, reason: heldBack(topic.name, partition, behind) }
      }
      if (behind === next) return { oldestMs: null, reason: null }
      next = behind
    }
  }

  return { page, waiting }
}

/** Says where a lane stops, why, and what to read. */
export function unstampedAt(lane: string, offset: bigint): string {
  return `the lane ${lane} stops before offset ${offset}: the record there has its producer's time instead of its arrival time, because the topic was not set to message.timestamp.type=LogAppendTime when it arrived. See "Records without the broker's time" in docs/engines.md`
}

function heldBack(topic: string, partition: number, offset: bigint): string {
  return `another producer's open transaction holds back what lies behind offset ${offset} of partition ${partition} of the topic ${topic}: these records are counted when that transaction commits, aborts or times out (kafka-transactions.sh finds and aborts it)`
}
