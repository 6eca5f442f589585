import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import type { ObjectStore } from '../../ports/object-store.ts'
import { limitedRequests } from '../aws/requests.ts'

/** Options of a bucket as object store. */
export interface S3ObjectStoreOptions {
  bucket: string
  /** Endpoint other than AWS's own, such as LocalStack's. AWS_ENDPOINT_URL has the same effect. */
  endpoint?: string
  region?: string
}

/**
 * Time limit for a request, ms. It is longer than S3 needs for the largest object of this system, about ten megabytes.
 */
const REQUEST_LIMIT_MS = 30_000
const CONNECT_LIMIT_MS = 3_000

/**
 * Object store in an S3 bucket. S3 is strongly consistent: later gets and lists see each put. Of several writers, at
 * most one creates an object, by `If-None-Match: *`.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export function openS3ObjectStore({ bucket, endpoint, region }: S3ObjectStoreOptions): ObjectStore & {
  close(): void
} {
  const config: S3ClientConfig = {
    requestHandler: limitedRequests(CONNECT_LIMIT_MS, REQUEST_LIMIT_MS),
    // Stand-ins for S3 have one address for all buckets.
    forcePathStyle: endpoint !== undefined || process.env.AWS_ENDPOINT_URL !== undefined,
    ...(endpoint && { endpoint }),
    ...(region && { region }),
  }
  const client = new S3Client(config)

  async function get(key: string): Promise<Uint8Array | undefined> {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      return await (Body as NonNullable<typeof Body>).transformToByteArray()
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined
      throw error
    }
  }

  return {
    get,
    async put(key, bytes) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }))
    },
    async putIfAbsent(key, bytes) {
      for (;;) {
        try {
          const input = { Bucket: bucket, Key: key, Body: bytes, IfNoneMatch: '*' }
          await client.send(new PutObjectCommand(input))
          return true
        } catch (error) {
          if (!(error instanceof S3ServiceException)) throw error
          // Another process is writing or deleting the same key now. The next attempt shows which was first.
          if (error.name === 'ConditionalRequestConflict') continue
          if (error.name !== 'PreconditionFailed') throw error
          // The client repeats a request whose answer was lost, so the existing object may be ours.
          const mayBeOurs = (error.$metadata.attempts ?? 1) > 1
          return mayBeOurs && Buffer.from(bytes).equals((await get(key)) ?? Buffer.of())
        }
      }
    },
    async *list(prefix, after) {
      const input = { Bucket: bucket, Prefix: prefix, ...(after && { StartAfter: after }) }
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, input)) {
        for (const { Key } of Contents) yield Key as string
      }
    },
    async delete(key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
    },
    close: () => client.destroy(),
  }
}
