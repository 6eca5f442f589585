import { isUtf8 } from 'node:buffer'
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { tooLarge, UnreadableError } from './unreadable.ts'

/** Number of bytes to which the compressed parts of one record may still grow. */
export interface Room {
  bytes: number
}

/**
 * Decompresses gzip, zstd or zlib, and takes the result's size from `room`. Returns null for other bytes. Some senders
 * write a line break behind each record: behind compressed data it is ignored.
 *
 * @throws UnreadableError when the data is damaged, or larger than the room that is left
 */
export function decompress(data: Uint8Array, room: Room): Buffer | null {
  const read = readerOf(data)
  if (!read) return null
  try {
    const bytes = read(data, room.bytes)
    room.bytes -= bytes.length
    return bytes
  } catch (error) {
    if (error instanceof UnreadableError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge()
    throw new UnreadableError(
      'cannot-decompress',
      'the compressed data is damaged or cut off, or there is other data between its parts or after them',
    )
  }
}

type Reader = (data: Uint8Array, mostBytes: number) => Buffer

function readerOf(data: Uint8Array): Reader | null {
  if (data[0] === 0x1f && data[1] === 0x8b) {
    return (bytes, most) => gunzipSync(withoutLineBreaks(bytes), limitedTo(most))
  }
  if (data[0] === 0x28 && data[1] === 0xb5 && data[2] === 0x2f && data[3] === 0xfd) return inParts(zstdDecompressSync)
  // The first two bytes of zlib may be text (RFC 1950, 2.2); compressed data behind them is not.
  if (data[0] === 0x78 && (0x7800 + (data[1] ?? 1)) % 31 === 0 && !isUtf8(data)) return inParts(inflateSync)
  return null
}

/** Node accepts no limit of 0. */
function limitedTo(mostBytes: number) {
  return { maxOutputLength: Math.max(mostBytes, 1) }
}

/** Cuts line breaks from the end of gzip. It ends with the size of its content, so they cannot be part of it. */
function withoutLineBreaks(data: Uint8Array): Uint8Array {
  let end = data.length
  while (isLineBreak(data[end - 1])) end--
  return data.subarray(0, end)
}

/**
 * Makes a reader for data of several parts in a row, such as frames of zstd (RFC 8878, section 3). Node stops after the
 * first part without an error, so each part is decompressed here.
 */
function inParts(decompressPart: (data: Uint8Array, options: object) => Buffer): Reader {
  return (data, mostBytes) => {
    const parts: Buffer[] = []
    let length = 0
    for (let start = 0; start < data.length; ) {
      const options = { ...limitedTo(mostBytes), info: true }
      // The type definitions do not know the option `info`.
      const { buffer, engine } = decompressPart(data.subarray(start), options) as unknown as {
        buffer: Buffer
        engine: { bytesWritten: number }
      }
      parts.push(buffer)
      length += buffer.length
      if (length > mostBytes) throw tooLarge()
      start += engine.bytesWritten
      while (isLineBreak(data[start])) start++
    }
    return Buffer.concat(parts)
  }
}

function isLineBreak(byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d
}
