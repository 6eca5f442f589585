import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { compactArchive } from '../../functions/archive/compaction.ts'
import { archiveKey, fileName } from '../../functions/archive/layout.ts'
import { type ArchivedEvent, encodeArchiveFile } from '../../functions/archive/parquet.ts'
import { lanesToCome, replayArchive } from '../../functions/archive/replay.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { decodeRecord, type LogRecord } from '../../functions/core/record.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { CLASSES, imageEvent, NOON_MS, SOME_PLACE } from '../support/factories.ts'
import { encodeFirstFormat } from '../support/first-archive-format.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SLOT_MS = HOUR_MS

function openArchive() {
  const objects = openFolderObjectStore(join(temporaryFolder(), 'objects'))
  return {
    objects,
    /** Writes a file of the records at some positions, each of as many events as given. */
    async put(
      lane: string,
      [first, last]: [number, number],
      records: Record<number, number>,
      slot = NOON_MS,
      name = lane,
      encode = encodeArchiveFile,
    ) {
      const key = archiveKey(slot, SLOT_MS, name, String(first), String(last))
      const rows = Object.entries(records).flatMap(([at, count]): ArchivedEvent[] => {
        const position = Number(at)
        const place = { lane, position: toPosition(position), arrivalMs: slot + position, late: false }
        const origin = position % 2 === 0 ? { producer: 'ann', counter: position } : null
        if (count === 0) return [{ ...place, origin, event: null, line: 0 }]
        return Array.from({ length: count }, (_, line) => ({
          ...place,
          origin,
          line,
          event: imageEvent({
            imageId: `${position}/${line}`,
            eventMs: NOON_MS + 1,
            ndviMin: null,
            ndviMax: 800_000,
            nir: 2_500,
            ...(encode === encodeArchiveFile && SOME_PLACE),
          }),
        }))
      })
      await objects.put(key, encode(rows, fileName(key)))
    },
    async replay(from = NOON_MS, isFinished = (_: string) => false) {
      const applied: LogRecord[][] = []
      const apply = async (_: string, records: LogRecord[]) => void applied.push(records)
      const replayed = await replayArchive({ objects, slotMs: SLOT_MS, from, isFinished, apply })
      return { replayed, applied }
    },
  }
}
const placesOf = (applied: LogRecord[][]) => applied.flat().map(({ lane, position }) => `${lane} ${Number(position)}`)

describe('a lane is completely archived', () => {
  it('up to the end of a file when another file begins after it', async () => {
    const { objects, put, replay } = openArchive()
    await put('a', [5, 5], { 5: 1 })
    // A delivery of one record can be cut off after it, like any other delivery.
    expect((await replay()).replayed).toEqual({ lanes: 0, records: 0, events: 0 })
    const toCome = (...positions: [string, number][]) =>
      lanesToCome(objects, SLOT_MS, NOON_MS, new Map(positions.map(([lane, at]) => [lane, toPosition(at)])))
    expect(await toCome(['a', 5], ['b', 1])).toEqual(['a', 'b'])
    await put('a', [6, 9], { 6: 1, 7: 2, 9: 1 })
    expect(await toCome(['a', 4])).toEqual([])
    expect(await toCome(['a', 5])).toEqual([])
    expect(await toCome(['a', 6])).toEqual(['a'])
    expect(placesOf((await replay()).applied)).toEqual(['a 5'])
  })

  it('in the order of positions, which is not the order of file names', async () => {
    const { put, replay } = openArchive()
    await put('a', [9, 9], { 9: 1 })
    await put('a', [10, 10], { 10: 1 })
    await put('a', [11, 100], { 11: 1 })
    await put('a', [101, 101], { 101: 1 })
    expect(placesOf((await replay()).applied)).toEqual(['a 9', 'a 10', 'a 11'])
  })

  it('up to its end when it is closed', async () => {
    const { put, replay } = openArchive()
    await put('a', [5, 6], { 5: 1, 6: 0 })
    await put('b', [1, 1], { 1: 1 })
    const { applied, replayed } = await replay(NOON_MS, lane => lane === 'a')
    expect(placesOf(applied)).toEqual(['a 5', 'a 6'])
    expect(replayed).toEqual({ lanes: 1, records: 2, events: 1 })
  })
})

describe('records are replayed', () => {
  it('once each, in the order of their positions, from overlapping files, and only from the wanted slots', async () => {
    const { put, replay } = openArchive()
    await put('a', [1, 1], { 1: 1 }, NOON_MS - SLOT_MS)
    await put('a', [8, 10], { 8: 1, 9: 2, 10: 1 })
    await put('a', [2, 9], { 2: 1, 9: 2 })
    await put('a', [11, 11], { 11: 1 }, NOON_MS + SLOT_MS)
    const { applied, replayed } = await replay()
    expect(placesOf(applied)).toEqual(['a 2', 'a 8', 'a 9', 'a 10'])
    expect(replayed).toEqual({ lanes: 1, records: 4, events: 5 })
  })

  it('from compacted files too, into their own lanes', async () => {
    const { put, replay } = openArchive()
    await put('a', [1, 2], { 1: 1, 2: 1 })
    await put('a', [1, 3], { 2: 1, 3: 1 }, NOON_MS, 'compacted-0')
    await put('b', [1, 3], { 1: 1 }, NOON_MS, 'compacted-1')
    await put('a', [4, 4], { 4: 1 })
    await put('b', [2, 2], { 2: 1 })
    const { applied } = await replay(NOON_MS, lane => lane === 'b')
    expect(placesOf(applied).sort()).toEqual(['a 1', 'a 2', 'b 1', 'b 2'])
  })

  it('unchanged: events, arrival and producer, without refused lines', async () => {
    const { put, replay } = openArchive()
    await put('a', [1, 4], { 1: 2, 2: 1, 4: 0 })
    const { applied } = await replay(NOON_MS, () => true)
    const [one, two, four] = applied.flat() as [LogRecord, LogRecord, LogRecord]
    expect(Buffer.from(one.data).toString().split('\n')).toHaveLength(2)
    expect([one, two, four].map(({ arrivalMs }) => arrivalMs)).toEqual([1, 2, 4].map(at => NOON_MS + at))
    const decoded = [one, two, four].map(record => decodeRecord(record, NOON_MS, CLASSES))
    expect(decoded.map(({ origin }) => origin)).toEqual([
      null,
      { producer: 'ann', counter: 2 },
      { producer: 'ann', counter: 4 },
    ])
    const eventOf = (imageId: string) =>
      imageEvent({ imageId, eventMs: NOON_MS + 1, ndviMin: null, ndviMax: 800_000, nir: 2_500, ...SOME_PLACE })
    expect(decoded.map(({ events }) => events.map(({ event }) => event))).toEqual([
      [eventOf('1/0'), eventOf('1/1')],
      [eventOf('2/0')],
      [],
    ])
  })

  it('from files of the first format, beside files that were compacted from them', async () => {
    const { objects, put, replay } = openArchive()
    await put('a', [1, 1], { 1: 1 }, NOON_MS, 'a', encodeFirstFormat)
    await put('a', [2, 2], { 2: 1 }, NOON_MS, 'a', encodeArchiveFile)
    const eventsOf = async () =>
      (await replay(NOON_MS, () => true)).applied
        .flat()
        .flatMap(record => decodeRecord(record, NOON_MS, CLASSES).events.map(({ event }) => event))
    const common = { eventMs: NOON_MS + 1, ndviMax: 800_000, nir: 2_500 }
    const events = [imageEvent({ imageId: '1/0', ...common }), imageEvent({ imageId: '2/0', ...common, ...SOME_PLACE })]
    expect(await eventsOf()).toEqual(events)
    const compaction = { objects, slotMs: SLOT_MS, before: NOON_MS + SLOT_MS }
    expect(await compactArchive({ ...compaction, now: () => NOON_MS })).toMatchObject({ inputs: 2, outputs: 1 })
    expect(await eventsOf()).toEqual(events)
  })

  it('a thousand at a time', async () => {
    const { put, replay } = openArchive()
    await put('a', [1, 2001], Object.fromEntries(Array.from({ length: 2001 }, (_, at) => [at + 1, 1])))
    const { applied } = await replay(NOON_MS, () => true)
    expect(applied.map(records => records.length)).toEqual([1000, 1000, 1])
  })
})
