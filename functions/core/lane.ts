/**
 * Ordered stream of records that is processed in order: a Kinesis shard or a Kafka partition. Its name contains the
 * identity of its stream or topic, so a stream that was created again has new lanes. Names consist of letters, digits,
 * `.`, `_` and `-`, because file names contain them.
 */
export interface Lane {
  name: string
  /** Lanes that a reshard split or merged into this one. */
  parents: string[]
  /** True for a lane that accepts no more records. Its children do. */
  closed: boolean
}

/** Builds the name of a lane from the identity of its stream or topic and the shard or partition. */
export function laneName(streamIdentity: string, shard: string | number): string {
  return `${streamIdentity}.${shard}`
}

/** Place in a lane: the log's sequence number or offset in fixed width, so that text order is numeric order. */
export type Position = string

/** Position before the first record of a lane. */
export const START: Position = ''

/**
 * Width of a position, in digits. Kinesis sequence numbers have up to 56 digits; Kafka offsets and the numbers of the
 * embedded log have fewer.
 */
export const POSITION_DIGITS = 56

/**
 * Converts a sequence number to a position.
 *
 * @throws Error when it does not consist of 1 to POSITION_DIGITS digits
 */
export function toPosition(sequenceNumber: string | number | bigint): Position {
  const digits = String(sequenceNumber)
  if (!/^\d{1,56}$/.test(digits)) throw new Error(`'${digits}' is not a sequence number`)
  return digits.padStart(POSITION_DIGITS, '0')
}

/**
 * Computes how many records the log has removed between a record that was read and the next one that it returns. For
 * logs that number records one after the other. This is an upper limit: the log's own transaction markers use numbers
 * too.
 *
 * @param firstKept first position that the log still has, read after `next` was returned
 */
export function lostBetween(read: Position, next: Position, firstKept: Position): number {
  const until = firstKept < next ? firstKept : next
  const lost = BigInt(until) - BigInt(read) - 1n
  return lost > 0n ? Number(lost) : 0
}

/** Returns true when `position` directly follows `read`, in a log that numbers records one after the other. */
export function isNext(read: Position, position: Position): boolean {
  return BigInt(position) - BigInt(read) === 1n
}

/** Converts a position to the sequence number of the log, without leading zeros. */
export function toSequenceNumber(position: Position): string {
  return position.replace(/^0+(?=\d)/, '')
}
