import { parquetMetadata } from 'hyparquet'

/** Key of a file's metadata under which it states its format. */
export const FORMAT_KEY = 'landcover.format'

/** Returns the format that a file of ours states, 1 where it states none: files of the first formats did not. */
export function formatOf(bytes: Uint8Array): number {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  const stated = parquetMetadata(file).key_value_metadata?.find(({ key }) => key === FORMAT_KEY)
  return Number(stated?.value ?? 1)
}
