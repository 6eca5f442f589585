import { type Lane, type Position, START, toPosition } from '../../functions/core/lane.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import type { SentRecord } from './sent.ts'

export interface StoredRecord extends LogRecord {
  sent: SentRecord
}

interface Shard {
  lane: Lane
  /** Keys from `low` (included) to `high` (not) come here; keys are numbers in [0, 1). */
  low: number
  high: number
  records: StoredRecord[]
}

/**
 * The log: Kinesis, whose shards split and merge and hand their keys to children, or Kafka, whose topic gets further
 * partitions among which keys are dealt anew. Sequence numbers only grow, across the whole log, and gain digits.
 */
export class SimulatedLog {
  readonly identity = 'simulated'
  readonly kind: 'kinesis' | 'kafka'
  readonly shards: Shard[] = []
  #sequence: number

  constructor(kind: 'kinesis' | 'kafka', shards: number, firstSequence: number) {
    this.kind = kind
    this.#sequence = firstSequence
    for (let index = 0; index < shards; index++) this.#open([], index / shards, (index + 1) / shards)
  }

  get open(): Shard[] {
    return this.shards.filter(shard => !shard.lane.closed)
  }

  lanes(): Lane[] {
    return this.shards.map(shard => shard.lane)
  }

  /** The lane that takes a key now. */
  laneOf(key: number): string {
    const open = this.open
    const shard =
      this.kind === 'kafka'
        ? open[Math.floor(key * open.length)]
        : open.find(({ low, high }) => key >= low && key < high)
    return (shard as Shard).lane.name
  }

  append(lane: string, sent: SentRecord, arrivalMs: number, gap: number): void {
    this.#sequence += 1 + gap
    this.shardOf(lane).records.push({ lane, position: toPosition(this.#sequence), arrivalMs, data: sent.data, sent })
  }

  shardOf(lane: string): Shard {
    return this.shards.find(shard => shard.lane.name === lane) as Shard
  }

  lastPosition(lane: string): Position {
    return this.shardOf(lane).records.at(-1)?.position ?? START
  }

  /** Splits a shard in two, or merges it with its neighbour; Kafka only ever gets one partition more. */
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
    this.shards.push({ lane: { name, parents, closed: false }, low, high, records: [] })
  }

  #close(...shards: Shard[]): void {
    for (const { lane } of shards) lane.closed = true
  }
}
