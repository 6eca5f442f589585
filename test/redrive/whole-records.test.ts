import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { toPosition } from '../../functions/core/lane.ts'
import { encodeRecord } from '../../functions/core/record.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { RECORD_BYTES_LIMIT } from '../../functions/ingest/packing.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import type { QuarantineEntry } from '../../functions/ports/speed-store.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'

import { openSystem, type System, wetland } from './system.ts'

describe('a redrive of a whole record whose decoder was corrected', () => {
  const origin = { producer: 'somebody', counter: 7 }
  const entry = (sequence: number, data: Uint8Array): QuarantineEntry => ({
    lane: 'lane',
    position: toPosition(sequence),
    line: null,
    arrivalMs: NOON_MS,
    reason: 'cannot-decompress',
    detail: 'the compressed data is damaged or cut off',
    bytes: data,
  })
  const zipped = (...lines: string[]) => gzipSync([encodeRecord(origin, []).toString(), ...lines].join('\n'))
  const line = (image_id: string) => JSON.stringify(wireEvent({ image_id }))

  async function systemWith(...entries: QuarantineEntry[]): Promise<System> {
    const system = await openSystem()
    const [lane] = await system.log.lanes()
    await system.send(wireEvent({ class_name: 'River' }))
    await system.store.quarantine(entries.map(each => ({ ...each, lane: lane?.name as string })))
    return system
  }

  it('appends all of its events as one record, with its bad lines, which are then refused one by one', async () => {
    const system = await systemWith(entry(90, zipped(line('a'), 'nonsense', '', line('b'))))
    expect(await system.redrive()).toMatchObject({ redriven: 1, events: 2 })
    await system.settle()
    expect(await system.counted('Forest')).toBe(2)
    expect(await system.records()).toBe(2)
    const entries = await system.pipeline.quarantined()
    expect(entries.map(({ reason }) => reason).sort()).toEqual(['cannot-decompress', 'not-json'])
  })

  it('counts its copies once, even though each has its own place', async () => {
    const data = zipped(line('a'))
    const system = await systemWith(entry(90, data), entry(91, data))
    await system.redrive()
    await system.settle()
    await system.pass(24 * HOUR_MS)
    expect(await system.redrive()).toMatchObject({ redriven: 0, redrivenBefore: 2 })
    expect(await system.counted('Forest')).toBe(1)
  })

  it('does not touch a record that is too large for the log', async () => {
    const noise = (index: number) => createHash('sha512').update(String(index)).digest('base64')
    const lines = Array.from({ length: 20_000 }, (_, index) => line(noise(index)))
    const data = zipped(...lines)
    expect(data.length).toBeGreaterThan(RECORD_BYTES_LIMIT)
    const system = await systemWith(entry(90, data))
    const { redriven, bad } = await system.redrive()
    expect({ redriven, bad }).toEqual({ redriven: 0, bad: new Map([['too-large', 1]]) })
  })
})

it('a redrive does not touch an entry whose record is larger than the log accepts now, and takes it once it fits', async () => {
  const system = await openSystem()
  await system.send(wetland('a'))
  await system.learn('Wetland')
  let bytes = 0
  const measuring: EventLog = {
    ...system.log,
    append: async ([record]) => {
      bytes = record?.data.byteLength as number
      return [{ error: 'the record has too many bytes', tooLarge: true }]
    },
  }
  expect(await system.redrive({}, { log: measuring })).toMatchObject({ unacknowledged: 1 })
  const narrow = { ...system.log, maxRecordBytes: bytes - 1 }
  expect(await system.redrive({}, { log: narrow })).toMatchObject({ redriven: 0, bad: new Map([['too-large', 1]]) })
  const justRight = { ...system.log, maxRecordBytes: bytes }
  expect(await system.redrive({}, { log: justRight })).toMatchObject({ redriven: 1, bad: new Map() })
})

it('a redrive takes an event that was written over several lines', async () => {
  const system = await openSystem()
  const [lane] = await system.log.lanes()
  const data = Buffer.from(JSON.stringify(wetland('a'), null, 2))
  await system.log.append([{ lane: lane?.name as string, data }])
  await system.settle()
  await system.learn('Wetland')
  expect(await system.redrive()).toMatchObject({ redriven: 1, events: 1 })
  await system.settle()
  expect(await system.counted()).toBe(1)
})
