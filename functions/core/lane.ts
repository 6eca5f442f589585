/**
 * A lane is one ordered, serially processed stream: a Kinesis shard or a Kafka partition. Its name includes the
 * identity of its stream or topic, so that a recreated one starts afresh. Names are made of letters, digits, `.`,
 * `_` and `-`, because they are part of file names.
 */
export interface Lane {
  name: string
  /** The lanes that a reshard split or merged into this one. */
  parents: string[]
  /** A closed lane takes no more records: its children do. */
  closed: boolean
}

/** Names a lane: the identity of its stream or topic, and the shard or partition. */
export function laneName(streamIdentity: string, shard: string | number): string {
  return `${streamIdentity}.${shard}`
}

/** A place in a lane: the log's sequence number in fixed width, so that text order is numeric order. */
export type Position = string

/** Before every record of a lane. */
export const START: Position = ''

/** Kinesis sequence numbers have 56 digits; Kafka's offsets and the embedded log's numbers fewer. */
export const POSITION_DIGITS = 56

/** @throws Error when the sequence number is not one of at most POSITION_DIGITS digits */
export function toPosition(sequenceNumber: string | number | bigint): Position {
  const digits = String(sequenceNumber)
  if (!/^\d{1,56}$/.test(digits)) throw new Error(`'${digits}' is not a sequence number`)
  return digits.padStart(POSITION_DIGITS, '0')
}

/**
 * How many records a log that numbers them one after the other has removed between one that was read and the next that
 * it hands out. It is the most that were lost: what the log itself notes of transactions takes a number, too.
 *
 * @param firstKept the first position that the log still has, asked for after `next` was handed out
 */
export function lostBetween(read: Position, next: Position, firstKept: Position): number {
  const until = firstKept < next ? firstKept : next
  const lost = BigInt(until) - BigInt(read) - 1n
  return lost > 0n ? Number(lost) : 0
}

/** Whether one position is the next behind another, where a log numbers its records one after the other. */
export function isNext(read: Position, position: Position): boolean {
  return BigInt(position) - BigInt(read) === 1n
}

/** The sequence number as the log writes it, without leading zeros. */
export function toSequenceNumber(position: Position): string {
  return position.replace(/^0+(?=\d)/, '')
}
