import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { newCursor } from '../../functions/core/cursor.ts'
import { slotOf } from '../../functions/core/slot.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { addClasses, knownClasses } from '../../functions/runtime/class-list.ts'
import { NOON_MS } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Time from which a new class is known. @param arrivals latest arrival that each lane's cursor has passed */
async function sinceWhen(arrivals: (number | null)[], nowMs: number) {
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs })
  onTestFinished(() => void vi.useRealTimers())
  const objects = openFolderObjectStore(join(temporaryFolder(), 'objects'))
  const cursors = arrivals.map((lastArrivalMs, index) => ({ ...newCursor(`lane-${index}`), lastArrivalMs }))
  await addClasses(objects, { readCursors: async () => cursors }, ['Vineyard', 'Forest'], HOUR_MS)
  const classes = await knownClasses(objects)()
  return { vineyard: classes.get('Vineyard'), forest: classes.get('Forest') }
}

it('a new class is known from the next slot: events of the current slot may already be counted without it', async () => {
  const next = NOON_MS + HOUR_MS
  expect(await sinceWhen([NOON_MS - 3 * HOUR_MS], NOON_MS)).toEqual({ vineyard: next, forest: 0 })
  expect(await sinceWhen([null], NOON_MS + HOUR_MS - 1)).toEqual({ vineyard: next, forest: 0 })
  expect(await sinceWhen([NOON_MS], NOON_MS + HOUR_MS)).toEqual({ vineyard: next + HOUR_MS, forest: 0 })
})

it('a new class is known after everything that any lane has applied, also when the log’s clock is ahead', async () => {
  const ahead = NOON_MS + 5 * HOUR_MS + 1
  const { vineyard } = await sinceWhen([NOON_MS, ahead, null], NOON_MS)
  expect(vineyard).toBe(slotOf(ahead, HOUR_MS) + HOUR_MS)
})

it('a new class of a system that has applied nothing is known for all time', async () => {
  expect(await sinceWhen([], NOON_MS)).toEqual({ vineyard: 0, forest: 0 })
})
