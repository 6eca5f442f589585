import type { ObjectPlace, ObjectRanges } from '../../ports/object-ranges.ts'
import { ImageError } from '../errors.ts'
import { type ByteSource, refuseBeyondEnd } from '../tiff/source.ts'

/** Size of the first read. It holds the directories of most Cloud-Optimized GeoTIFFs. */
const FIRST_BYTES = 16 * 1024
/** Maximum size of a STAC item. */
const MAX_ITEM_BYTES = 4 * 1024 * 1024

/** Buckets that may be read. An item cannot make a function read another one, whatever its role allows. */
export interface BucketAccess {
  buckets: ReadonlySet<string>
  ranges: ObjectRanges
}

/** Returns true for the address of an object, `s3://BUCKET/KEY`. */
export function isBucketAddress(text: string): boolean {
  return /^s3:\/\//i.test(text)
}

/** Reads a STAC item from a bucket. @throws ImageError for a bucket that is not allowed, or an object that is not there */
export async function readBucketItem(address: string, access: BucketAccess | undefined): Promise<string> {
  const { bytes, sizeBytes } = await readPart(address, access, 0, MAX_ITEM_BYTES)
  if (sizeBytes > bytes.length) {
    throw new ImageError(`${address}: has ${sizeBytes} bytes, more than an item of ${MAX_ITEM_BYTES}; check the key`)
  }
  return Buffer.from(bytes).toString('utf8')
}

/**
 * Opens an object. Its bytes are read by range, so that only the blocks that are needed are sent. An object that changes
 * while it is read is refused.
 *
 * @throws ImageError for a bucket that is not allowed, or an object that is not there
 */
export async function openBucketFile(address: string, access: BucketAccess | undefined): Promise<ByteSource> {
  const first = await readPart(address, access, 0, FIRST_BYTES)
  const { sizeBytes, etag } = first
  return {
    name: address,
    sizeBytes,
    async read(offset, length) {
      refuseBeyondEnd(address, sizeBytes, offset, length)
      if (offset + length <= first.bytes.length) return new Uint8Array(first.bytes.subarray(offset, offset + length))
      const { bytes } = await readPart(address, access, offset, length, etag)
      if (bytes.length === length) return new Uint8Array(bytes)
      throw new ImageError(`${address}: the bucket sent ${bytes.length} of ${length} bytes; try again`)
    },
    close: async () => {},
  }
}

async function readPart(
  address: string,
  access: BucketAccess | undefined,
  offset: number,
  length: number,
  etag?: string,
) {
  const place = placeOf(address)
  if (!access?.buckets.has(place.bucket)) {
    throw new ImageError(
      `${address}: the bucket ${place.bucket} is not allowed; add it to the stage, or download the file beside the item`,
    )
  }
  const part = await access.ranges.read(place, offset, length, etag)
  if (part === 'missing') throw new ImageError(`${address}: is not there, or empty; check the bucket and the key`)
  if (part === 'changed') throw new ImageError(`${address}: changed while it was read; observe it again`)
  return part
}

function placeOf(address: string): ObjectPlace {
  const url = URL.parse(address)
  const key = decoded(url?.pathname.slice(1) ?? '')
  if (!url || key === '') throw new ImageError(`${address}: is not the address of an object, s3://BUCKET/KEY`)
  return { bucket: url.hostname, key }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
