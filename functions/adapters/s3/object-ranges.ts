import { GetObjectCommand, S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3'
import type { ObjectRanges } from '../../ports/object-ranges.ts'
import { limitedRequests } from '../aws/requests.ts'

/** Time limit for a request, ms, and for a connection. */
const REQUEST_LIMIT_MS = 30_000
const CONNECT_LIMIT_MS = 3_000

/** Reader of parts of objects in S3. It follows a bucket to its region. */
export function openS3ObjectRanges({ endpoint, region }: { endpoint?: string; region?: string } = {}): ObjectRanges {
  const config: S3ClientConfig = {
    requestHandler: limitedRequests(CONNECT_LIMIT_MS, REQUEST_LIMIT_MS),
    followRegionRedirects: true,
    // Stand-ins for S3 have one address for all buckets.
    forcePathStyle: endpoint !== undefined || process.env.AWS_ENDPOINT_URL !== undefined,
    ...(endpoint && { endpoint }),
    ...(region && { region }),
  }
  const client = new S3Client(config)
  return {
    async read({ bucket, key }, offset, length, etag) {
      const Range = `bytes=${offset}-${offset + length - 1}`
      try {
        const input = { Bucket: bucket, Key: key, Range, ...(etag && { IfMatch: etag }) }
        const { Body, ContentRange, ETag } = await client.send(new GetObjectCommand(input))
        const size = /\/(\d+)$/.exec(ContentRange ?? '')?.[1]
        if (!Body || size === undefined || !ETag) throw new Error(`S3 gave no part of s3://${bucket}/${key}`)
        return { bytes: await Body.transformToByteArray(), sizeBytes: Number(size), etag: ETag }
      } catch (error) {
        if (!(error instanceof S3ServiceException)) throw error
        if (error.name === 'NoSuchKey' || error.name === 'NoSuchBucket') return 'missing'
        if (error.name === 'PreconditionFailed') return 'changed'
        // An empty object has no first byte.
        if (error.name === 'InvalidRange') return 'missing'
        throw error
      }
    },
  }
}
