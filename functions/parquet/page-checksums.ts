import { crc32 } from 'node:zlib'
import type { AsyncBuffer, FileMetaData } from 'hyparquet'

/**
 * Compares each page of some columns with the checksum from its writer (parquet.thrift, PageHeader.crc: CRC-32 of all
 * bytes behind the header). Pages without a checksum are skipped. An incomplete page is left to the reader, which
 * reports what is wrong.
 *
 * @param columns outermost columns
 * @throws Error that names the row group, column and page that was changed after writing
 */
export async function refuseChangedPages(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly string[],
): Promise<void> {
  for (const [group, { columns: chunks }] of metadata.row_groups.entries()) {
    for (const { meta_data: chunk } of chunks) {
      if (!chunk || !columns.includes(chunk.path_in_schema[0] as string)) continue
      // Some writers set the offset of a missing dictionary to zero, or behind the data.
      const starts = [chunk.dictionary_page_offset, chunk.data_page_offset].filter(offset => offset).map(Number)
      const start = Math.min(...starts)
      const bytes = new Uint8Array(await file.slice(start, start + Number(chunk.total_compressed_size)))
      const page = firstChangedPage(bytes)
      if (page === null) continue
      throw new Error(
        `page ${page} of column ${chunk.path_in_schema.join('.')} in row group ${group + 1} is damaged (its checksum does not match): write or copy the file again`,
      )
    }
  }
}

/**
 * Returns the number of the first page of a column chunk whose checksum does not match, from 1; null when all match.
 */
function firstChangedPage(chunk: Uint8Array): number | null {
  let offset = 0
  for (let page = 1; offset < chunk.byteLength; page++) {
    const header = pageHeaderAt(chunk, offset)
    if (!header || header.end + header.compressedBytes > chunk.byteLength) return null
    const data = chunk.subarray(header.end, header.end + header.compressedBytes)
    if (header.crc !== undefined && crc32(data) !== header.crc >>> 0) return page
    offset = header.end + header.compressedBytes
  }
  return null
}

interface PageHeader {
  /** Index behind the header. */
  end: number
  compressedBytes: number
  /** Checksum as a signed 32-bit number; undefined when the writer stored none. */
  crc: number | undefined
}

/** Field ids of parquet.thrift's PageHeader. */
const COMPRESSED_PAGE_SIZE = 3
const CRC = 4

/** Types of Thrift's compact protocol (thrift-compact-protocol.md). */
const STOP = 0
const TRUE = 1
const FALSE = 2
const BYTE = 3
const I16 = 4
const I32 = 5
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const SET = 10
const STRUCT = 12

function pageHeaderAt(bytes: Uint8Array, start: number): PageHeader | undefined {
  const reader = { bytes, at: start }
  try {
    const fields = readStruct(reader)
    const compressedBytes = fields.get(COMPRESSED_PAGE_SIZE)
    if (compressedBytes === undefined || compressedBytes < 0) return undefined
    return { end: reader.at, compressedBytes, crc: fields.get(CRC) }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

interface Reader {
  bytes: Uint8Array
  at: number
}

/**
 * Reads the whole numbers of a struct by field id, and skips other fields.
 *
 * @throws RangeError when the bytes are not a struct
 */
function readStruct(reader: Reader): Map<number, number> {
  const numbers = new Map<number, number>()
  let id = 0
  for (;;) {
    const byte = readByte(reader)
    const type = byte & 0x0f
    if (type === STOP) return numbers
    const step = byte >> 4
    id = step === 0 ? readZigZag(reader) : id + step
    if (type === I16 || type === I32) numbers.set(id, readZigZag(reader))
    else if (type !== TRUE && type !== FALSE) passValue(reader, type)
  }
}

function passValue(reader: Reader, type: number): void {
  if (type === TRUE || type === FALSE || type === BYTE) reader.at += 1
  else if (type === I16 || type === I32 || type === I64) readVarInt(reader)
  else if (type === DOUBLE) reader.at += 8
  else if (type === BINARY) reader.at += Number(readVarInt(reader))
  else if (type === LIST || type === SET) passList(reader)
  else if (type === STRUCT) readStruct(reader)
  else throw new RangeError(`a page header has no value of type ${type}`)
}

function passList(reader: Reader): void {
  const byte = readByte(reader)
  const short = byte >> 4
  const length = short === 15 ? Number(readVarInt(reader)) : short
  for (let index = 0; index < length; index++) passValue(reader, byte & 0x0f)
}

function readZigZag(reader: Reader): number {
  const value = readVarInt(reader)
  return Number((value >> 1n) ^ -(value & 1n))
}

function readVarInt(reader: Reader): bigint {
  let value = 0n
  for (let shift = 0n; ; shift += 7n) {
    const byte = readByte(reader)
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return value
  }
}

function readByte(reader: Reader): number {
  const byte = reader.bytes[reader.at++]
  if (byte === undefined) throw new RangeError('the page header has no end')
  return byte
}
