import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import type { ArchiveFile } from '../../functions/batch/completeness.ts'
import { byClass, type DayHistory } from '../../functions/batch/day-history.ts'
import { encodeClasses, encodeDays } from '../../functions/batch/history-files.ts'
import type { SlotsCounted } from '../../functions/batch/query.ts'
import { refuseImpossible, refuseOtherThanSpeed, refuseUnequal } from '../../functions/batch/validation.ts'
import type { View } from '../../functions/batch/view.ts'
import { viewReader } from '../../functions/batch/view-reader.ts'
import { newCursor } from '../../functions/core/cursor.ts'
import type { ImageEvent } from '../../functions/core/event.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { windowOf } from '../../functions/core/window.ts'
import type { SpeedRow } from '../../functions/ports/speed-store.ts'
import { emptyView, imageEvent, NOON_MS } from '../support/factories.ts'
import { historyOf } from '../support/histories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const DAY = '2026-11-22'
const dayOf = (events: ImageEvent[], changes: Partial<DayHistory> = {}): DayHistory => ({
  arrivalDay: DAY,
  day: DAY,
  className: 'Forest',
  history: historyOf(events),
  ...changes,
})
const image = (changes: Partial<ImageEvent> = {}) => imageEvent({ ndviMin: 100, ndviMax: 900, ...changes })

describe('a result that cannot be right is refused:', () => {
  const counted = (days: DayHistory[], ...events: number[]): SlotsCounted => ({
    days,
    looks: [],
    content: new Map(events.map((count, index) => [`slot ${index}`, { rows: 99, events: count }])),
    bytesScanned: 0,
  })
  const refusal = (counted: SlotsCounted) => {
    try {
      refuseImpossible(counted)
      return null
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`
    }
  }

  it('more images than events, even by one', () => {
    const three = [dayOf([image(), image()]), dayOf([image()], { className: 'River' })]
    expect(refusal(counted(three, 1, 2))).toBeNull()
    expect(refusal(counted(three, 4))).toBeNull()
    expect(refusal(counted(three, 1, 1))).toBe('ValidationError: 3 images were counted of 2 events in the archive')
    expect(refusal(counted([], 0))).toBeNull()
  })

  it('an NDVI outside -1 to 1 as sum, minimum or maximum', () => {
    const MICRO = 1_000_000
    const of = (changes: Partial<ImageEvent>) => refusal(counted([dayOf([image(changes), image(changes)])], 2))
    for (const ndvi of [MICRO, -MICRO]) {
      expect(of({ ndviMean: ndvi, ndviMin: ndvi, ndviMax: ndvi })).toBeNull()
    }
    for (const ndvi of [MICRO + 1, -MICRO - 1]) {
      const outside = `ValidationError: the NDVI of Forest on ${DAY} is outside -1 to 1`
      const history = historyOf([image(), image()])
      const withTotals = (totals: object) =>
        refusal(counted([{ ...dayOf([]), history: { ...history, totals: { ...history.totals, ...totals } } }], 2))
      expect(withTotals({ ndviSum: BigInt(ndvi) * 2n })).toBe(outside)
      expect(withTotals({ ndviMin: ndvi })).toBe(outside)
      expect(withTotals({ ndviMax: ndvi })).toBe(outside)
      expect(withTotals({ ndviMin: null, ndviMax: null })).toBeNull()
    }
  })
})

describe('the speed layer’s count', () => {
  const EVENTS = [image({ imageId: '1' }), image({ imageId: '2', className: 'River', ndviMean: 7 })]
  const rowOf = (events: ImageEvent[], lane = 'lane'): SpeedRow => ({
    slot: NOON_MS,
    lane,
    windowStart: windowOf(NOON_MS),
    lastPosition: toPosition(9),
    totals: new Map(
      Map.groupBy(events, ({ className }) => className)
        .entries()
        .map(([name, of]) => [name, historyOf(of).totals]),
    ),
  })
  const DAYS = Map.groupBy(EVENTS, ({ className }) => className)
    .entries()
    .map(([className, of]) => dayOf(of, { className }))
    .toArray()
  const file = (lane: string, last: number): ArchiveFile => ({
    key: '',
    slot: NOON_MS,
    lane,
    first: toPosition(0),
    last: toPosition(last),
  })

  /** @param applied position of each lane's cursor */
  const compare = async (
    applied: Record<string, number>,
    files: ArchiveFile[],
    rows: SpeedRow[],
    days = DAYS,
    lost: Record<string, number> = {},
  ) => {
    const asked: unknown[] = []
    const store = {
      readCursors: async () =>
        Object.entries(applied).map(([lane, last]) => ({
          ...newCursor(lane),
          lastPosition: toPosition(last),
          lostRecords: lost[lane] ?? 0,
        })),
      readRows: async (lane: string, slots: unknown) => {
        asked.push(slots)
        return rows.filter(row => row.lane === lane)
      },
    }
    await refuseOtherThanSpeed(store, files, days, NOON_MS, NOON_MS + HOUR_MS)
    return asked
  }

  it('must be equal when the speed layer has applied exactly what the archive holds, or more', async () => {
    const slots = { from: NOON_MS, until: NOON_MS + HOUR_MS }
    expect(await compare({ lane: 5 }, [file('lane', 5)], [rowOf(EVENTS)])).toEqual([slots])
    for (const passed of [5, 6]) {
      await expect(
        compare({ lane: passed }, [file('lane', 5), file('lane', 3)], [rowOf(EVENTS.slice(1))]),
      ).rejects.toThrow(
        `the archive and the speed layer differ in Forest on ${DAY}, for arrivals from 2026-11-22T12:00:00.000Z to 2026-11-22T13:00:00.000Z: 1 and 0 images`,
      )
    }
    await expect(compare({ lane: 5 }, [file('lane', 5)], [rowOf(EVENTS)], DAYS.slice(0, 1))).rejects.toThrow(
      `differ in River on ${DAY}, for arrivals from 2026-11-22T12:00:00.000Z to 2026-11-22T13:00:00.000Z: 0 and 1 images`,
    )
  })

  it('is not compared while a lane is behind its last file, or is unknown', async () => {
    for (const files of [
      [file('lane', 5), file('lane', 6)],
      [file('lane', 6), file('lane', 5)],
      [file('lane', 5), file('other', 1)],
    ]) {
      expect(await compare({ lane: 5 }, files, [])).toEqual([])
    }
  })

  it('is the sum of all lanes, including lanes without a file', async () => {
    const rows = [rowOf(EVENTS.slice(0, 1)), rowOf(EVENTS.slice(1), 'other')]
    expect(await compare({ lane: 5, other: 1 }, [file('lane', 5)], rows)).toHaveLength(2)
  })

  it('names the records that the log removed before they were read, when the counts differ', async () => {
    const rows = [rowOf(EVENTS.slice(1))]
    const applied = { lane: 5, other: 1, whole: 1 }
    await expect(compare(applied, [file('lane', 5)], rows, DAYS, { lane: 7, other: 1 })).rejects.toThrow(
      ': 1 and 0 images. The log removed records before the speed layer read them: up to 7 of lane, up to 1 of other. The archive may have them. If that explains the difference, publish what the archive says: npm run batch -- --ignore-speed',
    )
    await expect(compare(applied, [file('lane', 5)], rows)).rejects.toThrow(/1 and 0 images$/)
    expect(await compare(applied, [file('lane', 5)], [rowOf(EVENTS)], DAYS, { lane: 7 })).toHaveLength(3)
  })

  it('differs when one digit of a sum differs, even with the same number of images', async () => {
    const off = [EVENTS[0] as ImageEvent, { ...(EVENTS[1] as ImageEvent), ndviMean: 8 }]
    await expect(compare({ lane: 5 }, [file('lane', 5)], [rowOf(off)])).rejects.toThrow(': 1 and 1 images')
  })
})

describe('a view that was written', () => {
  const write = async (days: DayHistory[], changes: Partial<View> = {}, classes = byClass(days)) => {
    const objects = openFolderObjectStore(join(temporaryFolder(), 'objects'))
    const part = {
      key: 'part',
      firstDay: DAY,
      lastDay: DAY,
      images: days.reduce((sum, { history }) => sum + history.totals.count, 0),
    }
    await objects.put(part.key, encodeDays(days))
    const view = emptyView({ classesKey: 'classes', parts: { '2026-11': part }, ...changes })
    await objects.put(view.classesKey, encodeClasses(classes))
    return { objects, view, part }
  }
  const TWO = [dayOf([image()]), dayOf([image()], { className: 'River' })]

  it('has totals that add up', async () => {
    const { objects, view } = await write(TWO)
    await expect(refuseUnequal(viewReader(objects), undefined, view)).resolves.toBeUndefined()
  })

  it('is refused when its total is not the sum of its parts, or a part differs from its entry', async () => {
    const short = await write(TWO, {}, byClass(TWO.slice(1)))
    await expect(refuseUnequal(viewReader(short.objects), undefined, short.view)).rejects.toThrow(
      'all time has 1 images, its parts have 2',
    )
    const { objects, view, part } = await write(TWO)
    await objects.put(part.key, encodeDays(TWO.slice(1)))
    await expect(refuseUnequal(viewReader(objects), undefined, view)).rejects.toThrow(
      'part 2026-11 has 1 images, not 2',
    )
    // Files of the view before are not read again.
    const base = emptyView({ classesKey: 'base', parts: view.parts })
    await objects.put('base', encodeClasses(new Map()))
    await expect(refuseUnequal(viewReader(objects), base, view)).resolves.toBeUndefined()
  })

  it('is refused when a class has fewer images than before, unless its days were counted again', async () => {
    const replacing = async (days: DayHistory[], kind: 'batch' | 'backfill') => {
      const { objects, view } = await write(TWO, { audit: { ...emptyView().audit, kind } })
      const base = emptyView({ classesKey: 'base' })
      await objects.put('base', encodeClasses(byClass(days)))
      return refuseUnequal(viewReader(objects), base, view)
    }
    await expect(replacing(TWO, 'batch')).resolves.toBeUndefined()
    const more = [...TWO, dayOf([image()])]
    await expect(replacing(more, 'batch')).rejects.toThrow('Forest would go from 2 to 1 images')
    await expect(replacing([dayOf([image()], { className: 'SeaLake' })], 'batch')).rejects.toThrow(
      'SeaLake would go from 1 to 0 images',
    )
    await expect(replacing(more, 'backfill')).resolves.toBeUndefined()
  })
})
