import { createHash } from 'node:crypto'
import { UnreadableError } from './unreadable.ts'

/**
 * Form of the Kinesis Producer Library's aggregated records: these 4 bytes, a protobuf message, and its MD5 (Kinesis
 * Producer Library, "KPL Aggregated Record Format").
 */
const MAGIC = Buffer.from([0xf3, 0x89, 0x9a, 0xc2])
const MD5_BYTES = 16
/** Field of the message that holds a user record, and field of a user record that holds its data. */
const RECORDS_FIELD = 3
const DATA_FIELD = 3

/**
 * Splits an aggregated record of the Kinesis Producer Library into its user records. Returns null for other bytes.
 *
 * @throws UnreadableError when it is damaged
 */
export function userRecordsOf(data: Uint8Array): Uint8Array[] | null {
  if (!MAGIC.equals(data.subarray(0, MAGIC.length))) return null
  const message = data.subarray(MAGIC.length, Math.max(data.length - MD5_BYTES, MAGIC.length))
  const digest = createHash('md5').update(message).digest()
  if (!digest.equals(data.subarray(MAGIC.length + message.length))) throw damaged('its checksum is wrong')
  return bytesOf(message, RECORDS_FIELD).flatMap(record => bytesOf(record, DATA_FIELD))
}

/** Returns the contents of all fields with a number and a length (Protocol Buffers, "Encoding"). */
function bytesOf(message: Uint8Array, field: number): Uint8Array[] {
  const found: Uint8Array[] = []
  const reader = { at: 0 }
  while (reader.at < message.length) {
    const tag = varint(message, reader)
    const length = lengthOf(tag % 8, message, reader)
    if (reader.at + length > message.length) throw damaged('a field is cut off')
    if (tag % 8 === 2 && Math.floor(tag / 8) === field) found.push(message.subarray(reader.at, reader.at + length))
    reader.at += length
  }
  return found
}

/** Returns the number of bytes of a field's content, with the reader in front of it. */
function lengthOf(wireType: number, message: Uint8Array, reader: { at: number }): number {
  switch (wireType) {
    case 0:
      varint(message, reader)
      return 0
    case 1:
      return 8
    case 2:
      return varint(message, reader)
    case 5:
      return 4
    default:
      throw damaged('a field has an unknown type')
  }
}

/** Reads a whole number of 7 bits a byte. Large ones lose digits, which only hash keys have. */
function varint(message: Uint8Array, reader: { at: number }): number {
  let value = 0
  for (let factor = 1; ; factor *= 128) {
    const byte = message[reader.at++]
    if (byte === undefined) throw damaged('a number is cut off')
    value += (byte % 128) * factor
    if (byte < 128) return value
  }
}

function damaged(detail: string): UnreadableError {
  return new UnreadableError('cannot-unwrap', `aggregated record of the Kinesis Producer Library: ${detail}`)
}
