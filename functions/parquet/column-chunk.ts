import type { ColumnChunk, CompressionCodec, SchemaElement, Statistics } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js'
import { writeColumn } from 'hyparquet-writer/src/column.js'
import { writePageHeader } from 'hyparquet-writer/src/datapage.js'
import { useDictionary } from 'hyparquet-writer/src/dictionary.js'
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js'
import { extremes, type PlainEncoder, plainEncoder } from './plain.ts'

/** Compression of all pages. */
export interface Compression {
  codec: CompressionCodec
  compress(bytes: Uint8Array): Uint8Array
}

/** Column of a row group; null is "not measured". */
interface ColumnData {
  element: SchemaElement
  values: unknown[]
}

/**
 * Writes a flat column of a row group as one page. The library looks at the type of each value several times, so numbers
 * and texts are written here, a column at once. The bytes are the same.
 *
 * @throws Error when a value is not of the column's type, or null in a required column
 */
export function writeColumnChunk(writer: ByteWriter, column: ColumnData, compression: Compression): ColumnChunk {
  const encode = plainEncoder(column.element)
  return encode ? writeAtOnce(writer, column, compression, encode) : writeByLibrary(writer, column, compression)
}

function writeByLibrary(writer: ByteWriter, { element, values }: ColumnData, { codec, compress }: Compression) {
  const isOptional = element.repetition_type === 'OPTIONAL'
  const column = {
    ...{ element, columnName: element.name, schemaPath: [{ name: 'root' }, element] },
    ...{ codec, compressors: { [codec]: compress }, stats: true, pageSize: 0, columnIndex: false, offsetIndex: false },
  }
  const definitionLevels = isOptional ? values.map(value => (value === null ? 0 : 1)) : []
  const pageData = { values, definitionLevels, repetitionLevels: [], maxDefinitionLevel: isOptional ? 1 : 0 }
  return writeColumn({ writer, column, pageData }).chunk
}

function writeAtOnce(
  writer: ByteWriter,
  { element, values }: ColumnData,
  { codec, compress }: Compression,
  encode: PlainEncoder,
): ColumnChunk {
  const { name, type, repetition_type } = element as SchemaElement & { type: 'INT32' }
  const present = values.includes(null) ? values.filter(value => value !== null) : values
  const nulls = values.length - present.length
  if (nulls > 0 && repetition_type !== 'OPTIONAL') throw new Error(`the column ${name} must have a value in each row`)
  const levels = repetition_type === 'OPTIONAL' ? levelsOf(values, nulls) : new Uint8Array()

  const start = writer.offset
  let uncompressed = 0
  const writePage = (page: object, before: Uint8Array, body: Uint8Array): void => {
    const compressed = compress(body)
    const sizes = {
      uncompressed_page_size: before.length + body.length,
      compressed_page_size: before.length + compressed.length,
    }
    const headerStart = writer.offset
    writePageHeader(writer, { ...page, ...sizes } as Parameters<typeof writePageHeader>[1])
    uncompressed += writer.offset - headerStart + sizes.uncompressed_page_size
    writer.appendBytes(before)
    writer.appendBytes(compressed)
  }
  // Doubles rarely repeat and lie in their whole range, so a dictionary and statistics would cost time without use.
  const isDouble = element.type === 'DOUBLE'
  const { dictionary, indexes } = useDictionary(values, type, undefined, isDouble ? 'PLAIN' : undefined)
  if (dictionary) {
    const header = { num_values: dictionary.length, encoding: 'PLAIN' }
    writePage({ type: 'DICTIONARY_PAGE', dictionary_page_header: header }, new Uint8Array(), encode(dictionary))
  }
  const dataStart = writer.offset
  const encoding = dictionary ? ('RLE_DICTIONARY' as const) : ('PLAIN' as const)
  const header = {
    ...{ num_values: values.length, num_nulls: nulls, num_rows: values.length, encoding },
    ...{ definition_levels_byte_length: levels.length, repetition_levels_byte_length: 0, is_compressed: true },
  }
  const body = dictionary ? indexBytes(indexes as number[], dictionary.length) : encode(present)
  writePage({ type: 'DATA_PAGE_V2', data_page_header_v2: header }, levels, body)

  const dataPage = { page_type: 'DATA_PAGE_V2' as const, encoding, count: 1 }
  const dictionaryPage = { page_type: 'DICTIONARY_PAGE' as const, encoding: 'PLAIN' as const, count: 1 }
  const pages = dictionary ? [dictionaryPage, dataPage] : [dataPage]
  const statistics: Statistics = { ...extremes((dictionary ?? present) as number[]), null_count: BigInt(nulls) }
  return {
    file_offset: BigInt(start),
    meta_data: {
      ...{ type, codec, path_in_schema: [name], encodings: pages.map(page => page.encoding) },
      num_values: BigInt(values.length),
      total_compressed_size: BigInt(writer.offset - start),
      total_uncompressed_size: BigInt(uncompressed),
      data_page_offset: BigInt(dataStart),
      ...(dictionary && { dictionary_page_offset: BigInt(start) }),
      ...(!isDouble && { statistics, encoding_stats: pages }),
    },
  }
}

/** Definition levels: 0 for a null, 1 for a value. */
function levelsOf(values: readonly unknown[], nulls: number): Uint8Array {
  const levels = new Uint8Array(values.length)
  if (nulls === 0) levels.fill(1)
  else if (nulls < values.length) for (let at = 0; at < levels.length; at++) levels[at] = values[at] === null ? 0 : 1
  const writer = new ByteWriter()
  writeRleBitPackedHybrid(writer, levels, 1)
  return writer.getBytes()
}

/** @param indexes of the dictionary; undefined for a null */
function indexBytes(indexes: readonly (number | undefined)[], size: number): Uint8Array {
  const bits = Math.ceil(Math.log2(size))
  const writer = new ByteWriter()
  writer.appendUint8(bits)
  writeRleBitPackedHybrid(writer, Uint32Array.from(indexes.filter(index => index !== undefined)), bits)
  return writer.getBytes()
}
