import { beforeEach, describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { archiveKey } from '../../functions/archive/layout.ts'
import { archiveProgress, leaptSlots, listArchive } from '../../functions/batch/completeness.ts'
import { type Lane, toPosition } from '../../functions/core/lane.ts'
import { firstCut } from '../../functions/core/slot.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { NOON_MS } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SLOT_MS = HOUR_MS
const lane = (name: string, closed = false): Lane => ({ name, parents: [], closed })

describe('the archive is complete', () => {
  let objects: ObjectStore
  /** Files of a lane follow each other in the order in which they are written. */
  let position: number
  beforeEach(() => {
    objects = openFolderObjectStore(temporaryFolder())
    position = 8
  })

  const archived = (slots: number, name: string, first = ++position, last = first) =>
    objects.put(archiveKey(NOON_MS + slots * SLOT_MS, SLOT_MS, name, `${first}`, `${last}`), Buffer.alloc(0))
  const progress = async (lanes: Lane[], from = firstCut(SLOT_MS), until = Number.POSITIVE_INFINITY) =>
    archiveProgress(await listArchive(objects, from, SLOT_MS), lanes, SLOT_MS, from, until)

  it('up to one slot before the slot of the slowest open lane', async () => {
    await archived(3, 'a')
    await archived(5, 'b')
    expect(await progress([lane('a'), lane('b')])).toEqual({
      cut: NOON_MS + 2 * SLOT_MS,
      behind: [{ lane: 'a', latestSlot: NOON_MS + 3 * SLOT_MS }],
    })
  })

  it('no further than before while an open lane has no file, and names that lane', async () => {
    await archived(3, 'a')
    expect(await progress([lane('a'), lane('b')])).toEqual({
      cut: firstCut(SLOT_MS),
      behind: [{ lane: 'b', latestSlot: null }],
    })
  })

  it('no further than before while all files of an open lane lie before that', async () => {
    await archived(0, 'a')
    await archived(9, 'b')
    const from = NOON_MS + 5 * SLOT_MS
    const files = await listArchive(objects, firstCut(SLOT_MS), SLOT_MS)
    expect(archiveProgress(files, [lane('a'), lane('b')], SLOT_MS, from, Number.POSITIVE_INFINITY)).toEqual({
      cut: from,
      behind: [{ lane: 'a', latestSlot: null }],
    })
  })

  it('ignoring slots in the future, which a wrong clock has stamped', async () => {
    for (const slots of [3, 4, 5, 87_600]) await archived(slots, 'a')
    const until = (slots: number) => progress([lane('a')], firstCut(SLOT_MS), NOON_MS + slots * SLOT_MS)
    expect((await until(87_600)).cut).toBe(NOON_MS + 4 * SLOT_MS)
    expect((await until(6)).cut).toBe(NOON_MS + 4 * SLOT_MS)
    expect((await until(5)).cut).toBe(NOON_MS + 3 * SLOT_MS)
    expect((await until(87_601)).cut).toBe(NOON_MS + 4 * SLOT_MS)
    expect((await until(Number.POSITIVE_INFINITY)).cut).toBe(NOON_MS + 87_599 * SLOT_MS)
  })

  it('up to the slot of the last position, once the time arrives to which a clock had leapt', async () => {
    for (const slots of [3, 7, 8, 4, 5]) await archived(slots, 'a')
    const now = (slots: number) => progress([lane('a')], firstCut(SLOT_MS), NOON_MS + (slots + 2) * SLOT_MS)
    expect((await now(9)).cut).toBe(NOON_MS + 4 * SLOT_MS)
    await archived(6, 'a')
    expect((await now(9)).cut).toBe(NOON_MS + 5 * SLOT_MS)
  })

  it('ignoring a slot that is more than one ahead, until the lane continues from there', async () => {
    for (const slots of [3, 5, 5]) await archived(slots, 'a')
    const now = () => progress([lane('a')], firstCut(SLOT_MS), NOON_MS + 99 * SLOT_MS)
    expect((await now()).cut).toBe(NOON_MS + 2 * SLOT_MS)
    await archived(9, 'a')
    expect((await now()).cut).toBe(NOON_MS + 2 * SLOT_MS)
    await archived(10, 'a')
    expect((await now()).cut).toBe(NOON_MS + 9 * SLOT_MS)
  })

  it('from the start of a lane, and across a file that begins before the previous file ends', async () => {
    await archived(4, 'a', 20, 30)
    await archived(3, 'a', 9, 22)
    const now = () => progress([lane('a')], firstCut(SLOT_MS), NOON_MS + 99 * SLOT_MS)
    expect((await now()).cut).toBe(NOON_MS + 3 * SLOT_MS)
  })

  it('ignoring closed lanes and lanes of another log', async () => {
    await archived(3, 'a')
    await archived(0, 'closed')
    await archived(0, 'of-another-log')
    expect((await progress([lane('a'), lane('closed', true)])).cut).toBe(NOON_MS + 2 * SLOT_MS)
  })

  it('never less far than before', async () => {
    await archived(0, 'a')
    expect((await progress([lane('a')], NOON_MS + 9 * SLOT_MS)).cut).toBe(NOON_MS + 9 * SLOT_MS)
  })

  it('no further than before when no lane is open or known', async () => {
    expect(await progress([lane('a', true)])).toEqual({ cut: firstCut(SLOT_MS), behind: [] })
    expect(await progress([])).toEqual({ cut: firstCut(SLOT_MS), behind: [] })
  })
})

describe('a slot is read in addition to the counted slots', () => {
  const slot = (slots: number) => NOON_MS + slots * SLOT_MS
  const file = (slots: number, of: string, first: number, last = first) => ({
    key: '',
    slot: slot(slots),
    lane: of,
    first: toPosition(first),
    last: toPosition(last),
  })
  /** Decides for a count that reads slots 1 to 3. */
  const leapt = (lanes: Lane[], ...files: ReturnType<typeof file>[]) => leaptSlots({ files, lanes }, slot(1), slot(3))

  it('when it comes after them, and begins before the last record that they have of the lane', () => {
    expect(leapt([lane('a')], file(3, 'a', 5, 9), file(9, 'a', 4), file(7, 'a', 8, 12), file(7, 'a', 3))).toEqual([
      slot(7),
      slot(9),
    ])
    expect(leapt([lane('a')], file(3, 'a', 5, 9), file(4, 'a', 9, 10), file(5, 'a', 11))).toEqual([])
    expect(leapt([lane('a')], file(3, 'a', 5, 9), file(4, 'a', 8, 10))).toEqual([slot(4)])
    expect(leapt([lane('a')], file(1, 'a', 9), file(4, 'a', 8))).toEqual([slot(4)])
  })

  it('but not when the lane has no record in them, or when only another lane reaches further', () => {
    expect(leapt([lane('a')], file(0, 'a', 9), file(4, 'a', 8))).toEqual([])
    expect(leapt([lane('a'), lane('b')], file(3, 'b', 9), file(3, 'a', 2), file(4, 'a', 8))).toEqual([])
  })

  it('when it is in a closed lane whose children received the copies', () => {
    expect(leapt([lane('a', true), lane('b')], file(3, 'b', 9), file(9, 'a', 8))).toEqual([slot(9)])
    expect(leapt([lane('a', true), lane('b')], file(3, 'b', 9), file(9, 'a', 10))).toEqual([])
  })
})
