import fc from 'fast-check'
import { expect, it } from 'vitest'
import { diskFor, SEGMENT_BYTES } from '../../infra/constructs/msk-disk.ts'

const GB = 1024 ** 3
const loads = fc.record({
  bytesPerSecond: fc.integer({ min: 1, max: 100_000_000 }),
  retentionHours: fc.integer({ min: 1, max: 8_760 }),
  partitions: fc.integer({ min: 1, max: 200 }),
})

it('no load fills the disk of a broker: records use at most four fifths of it, with the newest segments', () => {
  fc.assert(
    fc.property(loads, load => {
      const { diskGb, retentionBytes } = diskFor(load)
      expect(load.partitions * (retentionBytes + SEGMENT_BYTES)).toBeLessThanOrEqual(0.8 * diskGb * GB)
    }),
  )
})

it('the planned load is kept for the whole retention, also where a partition gets 1.5 times its share', () => {
  fc.assert(
    fc.property(loads, load => {
      const share = (load.bytesPerSecond * load.retentionHours * 3_600) / load.partitions
      expect(diskFor(load).retentionBytes).toBeGreaterThanOrEqual(1.5 * share)
    }),
  )
})

it('a disk is twice the planned bytes with the newest segments, and 10 GB at least', () => {
  expect(diskFor({ bytesPerSecond: 100_000, retentionHours: 24, partitions: 2 }).diskGb).toBe(17)
  expect(diskFor({ bytesPerSecond: 1, retentionHours: 1, partitions: 1 }).diskGb).toBe(10)
})
