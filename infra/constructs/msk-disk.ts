import { HOUR_MS, SECOND_MS } from '../../functions/core/time.ts'

const GB = 1024 ** 3
/** Smallest disk that this project gives to a broker, GB. */
const MIN_DISK_GB = 10
/** Disk for each byte of the planned load: partitions fill unevenly, and a load may grow before somebody looks. */
const HEADROOM = 2
/** Share of the disk that records may use. Above it the alarm BrokerDiskFull begins. */
const USED_SHARE = 0.8

/** Size of a segment of a partition, bytes. Retention removes only whole segments behind the newest one. */
export const SEGMENT_BYTES = 128 * 1024 ** 2

interface Load {
  /** Maximum number of bytes that producers write in a second. */
  bytesPerSecond: number
  retentionHours: number
  partitions: number
}

/** Size of a broker's disk, and bytes that each partition keeps. Each broker has a copy of every record. */
export function diskFor({ bytesPerSecond, retentionHours, partitions }: Load): {
  diskGb: number
  retentionBytes: number
} {
  const plannedBytes = (bytesPerSecond * retentionHours * HOUR_MS) / SECOND_MS
  const newest = partitions * SEGMENT_BYTES
  const diskGb = Math.max(MIN_DISK_GB, Math.ceil((HEADROOM * (plannedBytes + newest)) / GB))
  return { diskGb, retentionBytes: Math.floor((USED_SHARE * diskGb * GB) / partitions) - SEGMENT_BYTES }
}
