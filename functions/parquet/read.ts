import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'

/** Beside Snappy, which hyparquet has itself. */
export const compressors = {
  ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes),
  GZIP: (bytes: Uint8Array) => gunzipSync(bytes),
}

/**
 * Reads the rows of a Parquet file. decimal(38,0) columns are bigints. hyparquet converts them to numbers, which hold
 * 15 digits, so it gets a schema in which they are plain bytes.
 */
export async function readParquet(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  const metadata = parquetMetadata(file)
  const decimals: string[] = []
  for (const element of metadata.schema) {
    if (element.converted_type !== 'DECIMAL') continue
    decimals.push(element.name)
    delete element.converted_type
    delete element.logical_type
  }
  const rows = await parquetReadObjects({ file, metadata, compressors })
  for (const row of rows) {
    for (const name of decimals) {
      if (row[name] instanceof Uint8Array) row[name] = signedBigEndian(row[name])
    }
  }
  return rows
}

function signedBigEndian(bytes: Uint8Array): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
}
