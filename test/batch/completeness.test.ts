import { beforeEach, describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { archiveKey } from '../../functions/archive/layout.ts'
import { archiveProgress, listArchive } from '../../functions/batch/completeness.ts'
import type { Lane } from '../../functions/core/lane.ts'
import { firstCut } from '../../functions/core/slot.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { NOON_MS } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SLOT_MS = HOUR_MS
const lane = (name: string, closed = false): Lane => ({ name, parents: [], closed })

describe('the archive is complete', () => {
  let objects: ObjectStore
  beforeEach(() => {
    objects = openFolderObjectStore(temporaryFolder())
  })

  const archived = (slots: number, name: string) =>
    objects.put(archiveKey(NOON_MS + slots * SLOT_MS, SLOT_MS, name, '1', '9'), Buffer.alloc(0))
  const progress = async (lanes: Lane[], from = firstCut(SLOT_MS), until = Number.POSITIVE_INFINITY) =>
    archiveProgress(await listArchive(objects, from, SLOT_MS), lanes, SLOT_MS, from, until)

  it('up to one slot before the least that an open lane has reached', async () => {
    await archived(3, 'a')
    await archived(5, 'b')
    expect(await progress([lane('a'), lane('b')])).toEqual({
      cut: NOON_MS + 2 * SLOT_MS,
      behind: [{ lane: 'a', latestSlot: NOON_MS + 3 * SLOT_MS }],
    })
  })

  it('nowhere new while an open lane has no file, and that lane is named', async () => {
    await archived(3, 'a')
    expect(await progress([lane('a'), lane('b')])).toEqual({
      cut: firstCut(SLOT_MS),
      behind: [{ lane: 'b', latestSlot: null }],
    })
  })

  it('without regard to slots that lie in the future, which a clock has stamped that was wrong', async () => {
    await archived(3, 'a')
    await archived(5, 'a')
    await archived(87_600, 'a')
    const until = (slots: number) => progress([lane('a')], firstCut(SLOT_MS), NOON_MS + slots * SLOT_MS)
    expect((await until(87_600)).cut).toBe(NOON_MS + 4 * SLOT_MS)
    expect((await until(6)).cut).toBe(NOON_MS + 4 * SLOT_MS)
    expect((await until(5)).cut).toBe(NOON_MS + 2 * SLOT_MS)
    expect((await until(87_601)).cut).toBe(NOON_MS + 87_599 * SLOT_MS)
  })

  it('without regard to closed lanes, and to those that are not of this log', async () => {
    await archived(3, 'a')
    await archived(0, 'closed')
    await archived(0, 'of-another-log')
    expect((await progress([lane('a'), lane('closed', true)])).cut).toBe(NOON_MS + 2 * SLOT_MS)
  })

  it('never less far than before', async () => {
    await archived(0, 'a')
    expect((await progress([lane('a')], NOON_MS + 9 * SLOT_MS)).cut).toBe(NOON_MS + 9 * SLOT_MS)
  })

  it('nowhere new when no lane is open, or none is known', async () => {
    expect(await progress([lane('a', true)])).toEqual({ cut: firstCut(SLOT_MS), behind: [] })
    expect(await progress([])).toEqual({ cut: firstCut(SLOT_MS), behind: [] })
  })
})
