import { describe, expect, it } from 'vitest'
import type { ArchiveFile } from '../../functions/batch/completeness.ts'
import type { ContentOfSlots } from '../../functions/batch/query.ts'
import { changedSlots, missedIn, noteChanges, type Watched, watch, watchedFrom } from '../../functions/batch/watch.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { firstCut, slotName } from '../../functions/core/slot.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { NOON_MS } from '../support/factories.ts'

const SLOT_MS = HOUR_MS
const CUT = NOON_MS
const back = (slots: number) => CUT - slots * SLOT_MS
const name = (slots: number) => slotName(back(slots), SLOT_MS)

/** Files of slots. A slot is given as its number of slots before the cut. */
const filesOf = (...slots: number[]): ArchiveFile[] =>
  slots.map((slot, index) => {
    const position = toPosition(index)
    return { key: `${index}`, slot: back(slot), lane: 'lane', first: position, last: position }
  })
const contentOf = (events: Record<string, number>): ContentOfSlots =>
  new Map(Object.entries(events).map(([slot, count]) => [slot, { rows: count + 1, events: count }]))
const of = (files: number, events: number, missed = 0) => ({ files, events, missed })

it('watches a day of slots before the cut, but not the slot of imports', () => {
  expect(watchedFrom(CUT, SLOT_MS)).toBe(back(24))
  expect(watchedFrom(firstCut(SLOT_MS) + 2 * SLOT_MS, SLOT_MS)).toBe(firstCut(SLOT_MS))
})

describe('slots that changed since they were counted', () => {
  it('are slots with more files, fewer files or their first files, in order', () => {
    const watched: Watched = { [name(5)]: of(2, 9), [name(4)]: of(2, 9), [name(3)]: of(1, 9), [name(2)]: of(0, 0) }
    const files = filesOf(1, 2, 3, 3, 5, 5)
    expect(changedSlots(watched, files, CUT, SLOT_MS)).toEqual([back(4), back(3), back(2), back(1)])
  })

  it('lie between the oldest watched slot and the cut', () => {
    expect(changedSlots({}, filesOf(25, 24, 1, 0, -1), CUT, SLOT_MS)).toEqual([back(24), back(1)])
    expect(changedSlots({}, [], CUT, SLOT_MS)).toEqual([])
  })
})

describe('the note of counted slots', () => {
  it('keeps watched slots and old slots that miss events; a slot that was counted again misses nothing', () => {
    const watched: Watched = {
      [name(25)]: of(1, 1),
      [name(26)]: of(1, 1, 4),
      [name(24)]: of(1, 1),
      [name(2)]: of(1, 1, 7),
    }
    const content = contentOf({ [name(2)]: 8, [name(1)]: 5 })
    expect(watch(watched, [back(2), back(1)], filesOf(2, 2, 1), content, CUT, SLOT_MS)).toEqual({
      [name(26)]: of(1, 1, 4),
      [name(24)]: of(1, 1),
      [name(2)]: of(2, 8),
      [name(1)]: of(1, 5),
    })
  })

  it('has old slots only when they are watched for missed events', () => {
    const counted = [back(30), back(29), back(24)]
    const recordRun = watch({ [name(29)]: of(1, 1, 2) }, counted, filesOf(30, 29, 24), contentOf({}), CUT, SLOT_MS)
    expect(recordRun).toEqual({ [name(29)]: of(1, 0), [name(24)]: of(1, 0) })
    expect(watch({}, [back(1)], [], contentOf({}), CUT, SLOT_MS)).toEqual({ [name(1)]: of(0, 0) })
  })
})

describe('the note of changed slots', () => {
  const note = (watched: Watched, content: ContentOfSlots, ...slots: number[]) =>
    noteChanges(watched, slots.map(back), filesOf(3, 3, 2), content, SLOT_MS)

  it('adds late events to the missed ones, and does not change other slots', () => {
    const watched: Watched = { [name(4)]: of(1, 1, 1), [name(3)]: of(1, 10, 2) }
    const missing = note(watched, contentOf({ [name(3)]: 13, [name(2)]: 4 }), 3, 2)
    expect(missing).toEqual({ [name(4)]: of(1, 1, 1), [name(3)]: of(2, 13, 5), [name(2)]: of(1, 4, 4) })
    expect(missedIn(missing)).toBe(10)
    expect(missedIn({})).toBe(0)
    expect(watched[name(3)]).toEqual(of(1, 10, 2))
  })

  it('treats files that hold only known records as redelivered', () => {
    expect(note({ [name(3)]: of(1, 10) }, contentOf({ [name(3)]: 10 }), 3)).toEqual({ [name(3)]: of(2, 10) })
    expect(note({}, contentOf({}), 1)).toEqual({ [name(1)]: of(0, 0) })
  })

  it('refuses an archive that has lost events, even one', () => {
    const watched: Watched = { [name(3)]: of(1, 10) }
    const lost = (events: number) => () => note(watched, contentOf({ [name(3)]: events }), 3)
    expect(lost(9)).toThrow(
      `the archive has lost events of arrival slot ${name(3)}: it holds 9 events, before it held 10`,
    )
    expect(() => note(watched, contentOf({}), 3)).toThrow('it holds 0 events, before it held 10')
    expect(lost(9)).toThrow(expect.objectContaining({ name: 'ValidationError' }))
  })
})
