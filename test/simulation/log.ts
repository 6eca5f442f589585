import { type Lane, type Position, START, toPosition } from '../../functions/core/lane.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import type { Stamp } from './log-clock.ts'
import type { SentRecord } from './sent.ts'

export interface StoredRecord extends LogRecord {
  sent: SentRecord
  /** True if a clock that was wrong stamped it. */
  isMisstamped: boolean
  /** The log removed it before it was read. */
  isLost: boolean
}

interface Shard {
  lane: Lane
  /** Range of keys of this lane: from `low` (included) to `high` (excluded). Keys are numbers in [0, 1). */
  low: number
  high: number
  /** All records that it ever stored, also removed ones. */
  records: StoredRecord[]
  /** Position up to which records were removed. */
  removed: Position
  /** Number of positions that were removed before any consumer read them. */
  lostPositions: bigint
}

/**
 * Log like Kinesis, whose shards split and merge and pass their keys to child shards, or like Kafka, whose topic gets
 * further partitions, which redistributes the keys. Sequence numbers only grow and gain digits: on Kinesis across the
 * whole log, on Kafka in each partition.
 */
export class SimulatedLog {
  readonly identity = 'simulated'
  readonly kind: 'kinesis' | 'kafka'
  readonly shards: Shard[] = []
  /** Every record that was ever stored, in the order of arrival. */
  readonly stored: StoredRecord[] = []
  readonly #firstSequence: number
  #sequence: number

  constructor(kind: 'kinesis' | 'kafka', shards: number, firstSequence: number) {
    this.kind = kind
    this.#firstSequence = firstSequence
    this.#sequence = firstSequence
    for (let index = 0; index < shards; index++) this.#open([], index / shards, (index + 1) / shards)
  }

  get open(): Shard[] {
    return this.shards.filter(shard => !shard.lane.closed)
  }

  lanes(): Lane[] {
    return this.shards.map(shard => shard.lane)
  }

  /**
   * Returns the lane for a key now.
   *
   * @param among number of Kafka's partitions to choose from, the first ones
   */
  laneOf(key: number, among = this.shards.length): string {
    const shard =
      this.kind === 'kafka'
        ? this.shards[Math.floor(key * among)]
        : this.open.find(({ low, high }) => key >= low && key < high)
    return (shard as Shard).lane.name
  }

  /** @param gap number of positions that stay empty before the record */
  append(lane: string, sent: SentRecord, stamp: Stamp, gap: number): void {
    const { records } = this.shardOf(lane)
    const before = this.kind === 'kafka' ? Number(records.at(-1)?.position ?? this.#firstSequence) : this.#sequence
    this.#sequence = before + 1 + gap
    const position = toPosition(this.#sequence)
    const record: StoredRecord = { lane, position, ...stamp, data: sent.data, sent, isLost: false }
    records.push(record)
    this.stored.push(record)
  }

  shardOf(lane: string): Shard {
    return this.shards.find(shard => shard.lane.name === lane) as Shard
  }

  /** Returns true if one lane comes from another by one or more reshards. */
  isDescendant(lane: string, of: string): boolean {
    return this.shardOf(lane).lane.parents.some(parent => parent === of || this.isDescendant(parent, of))
  }

  /** Returns the records of a lane that can still be read. */
  kept(lane: string): StoredRecord[] {
    const { records, removed } = this.shardOf(lane)
    return records.filter(({ position }) => position > removed)
  }

  /** Returns the first position that a lane still has; null when positions do not follow each other. */
  firstKept(lane: string): Position | null {
    if (this.kind === 'kinesis') return null
    const { removed } = this.shardOf(lane)
    return removed === START ? toPosition(0) : toPosition(BigInt(removed) + 1n)
  }

  /**
   * Removes a lane's records up to a position.
   *
   * @param read last record that was read; records after it are lost
   */
  remove(lane: string, until: Position, read: Position): void {
    const shard = this.shardOf(lane)
    const before = shard.removed > read ? shard.removed : read
    if (until > before) shard.lostPositions += BigInt(until) - BigInt(before)
    for (const record of shard.records) if (record.position > before && record.position <= until) record.isLost = true
    shard.removed = until
  }

  lastPosition(lane: string): Position {
    return this.shardOf(lane).records.at(-1)?.position ?? START
  }

  /** Splits a shard in two, or merges it with its neighbour. On Kafka, adds a partition. */
  reshard(pick: number, merge: boolean): void {
    const open = this.open
    if (this.kind === 'kafka') {
      this.#open([], 0, 0)
      return
    }
    const shard = open[Math.floor(pick * open.length)] as Shard
    const neighbour = open.find(other => other.low === shard.high)
    if (merge && neighbour) {
      this.#close(shard, neighbour)
      this.#open([shard.lane.name, neighbour.lane.name], shard.low, neighbour.high)
    } else {
      const middle = (shard.low + shard.high) / 2
      this.#close(shard)
      this.#open([shard.lane.name], shard.low, middle)
      this.#open([shard.lane.name], middle, shard.high)
    }
  }

  #open(parents: string[], low: number, high: number): void {
    const name = `${this.identity}.${this.kind === 'kafka' ? '' : 'shard-'}${this.shards.length}`
    const lane = { name, parents, closed: false }
    this.shards.push({ lane, low, high, records: [], removed: START, lostPositions: 0n })
  }

  #close(...shards: Shard[]): void {
    for (const { lane } of shards) lane.closed = true
  }
}
