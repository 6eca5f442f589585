import type { SchemaElement, Statistics } from 'hyparquet'

/** Encodes values without nulls as PLAIN. @throws Error when a value is not of the column's type */
export type PlainEncoder = (values: readonly unknown[]) => Uint8Array

/** Encoder of a column of numbers or texts; undefined for other types. Bytes are in the machine's order, which is Parquet's. */
export function plainEncoder({ type, converted_type }: SchemaElement): PlainEncoder | undefined {
  if (type === 'INT32') return values => checked(new Int32Array(values as number[]), values)
  if (type === 'INT64') return values => checked(new BigInt64Array(values as bigint[]), values)
  if (type === 'DOUBLE') return values => checked(new Float64Array(values as number[]), values)
  return converted_type === 'UTF8' ? textBytes : undefined
}

function checked(array: Int32Array | BigInt64Array | Float64Array, values: readonly unknown[]): Uint8Array {
  for (let index = 0; index < array.length; index++) {
    const value = values[index]
    if (array[index] !== value && !Number.isNaN(value)) throw new Error(`${value} is not of the column's type`)
  }
  return new Uint8Array(array.buffer)
}

const LENGTH_BYTES = 4
/** UTF-8 needs at most this many bytes for a unit of UTF-16. */
const MAX_BYTES_PER_UNIT = 3

function textBytes(texts: readonly unknown[]): Uint8Array {
  let size = 0
  for (const text of texts) {
    if (typeof text !== 'string') throw new Error(`${text} is not of the column's type`)
    size += LENGTH_BYTES + text.length * MAX_BYTES_PER_UNIT
  }
  const bytes = Buffer.allocUnsafe(size)
  let end = 0
  for (const text of texts as readonly string[]) {
    const length = bytes.write(text, end + LENGTH_BYTES)
    end = bytes.writeUInt32LE(length, end) + length
  }
  return bytes.subarray(0, end)
}

/** Halves of a character beyond U+FFFF: their order in UTF-16 is not that of UTF-8. */
const SURROGATE = /[\ud800-\udfff]/

type Sortable = number | bigint | string

/**
 * Smallest and greatest of values without nulls; texts in the order of their UTF-8 bytes. Both are absent without
 * values.
 */
export function extremes(values: readonly Sortable[]): Pick<Statistics, 'min_value' | 'max_value'> {
  const isByBytes = values.some(value => typeof value === 'string' && SURROGATE.test(value))
  const isBefore = isByBytes
    ? (left: Sortable, right: Sortable) => Buffer.compare(Buffer.from(`${left}`), Buffer.from(`${right}`)) < 0
    : (left: Sortable, right: Sortable) => left < right
  let [min] = values
  if (min === undefined) return {}
  let max = min
  for (const value of values) {
    if (isBefore(value, min)) min = value
    else if (isBefore(max, value)) max = value
  }
  return { min_value: min, max_value: max }
}
