import { beforeEach, describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import type { DayHistory } from '../../functions/batch/day-history.ts'
import { publishDays } from '../../functions/batch/days.ts'
import { DAYS } from '../../functions/batch/days-table.ts'
import { encodeDays } from '../../functions/batch/history-files.ts'
import { type Part, publishView, type View, viewKey } from '../../functions/batch/view.ts'
import { viewReader } from '../../functions/batch/view-reader.ts'
import { readParquet } from '../../functions/parquet/read.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { emptyView, imageEvent } from '../support/factories.ts'
import { historyOf } from '../support/histories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const row = (day: string, className: string, images: number, arrivalDay = day): DayHistory => ({
  ...{ arrivalDay, day, className },
  history: historyOf(Array.from({ length: images }, () => imageEvent())),
})

describe('the table of days', () => {
  let objects: ObjectStore
  beforeEach(() => {
    objects = openFolderObjectStore(temporaryFolder())
  })

  let files = 0
  async function writePart(...rows: DayHistory[]): Promise<Part> {
    const key = `history/${++files}.parquet`
    await objects.put(key, encodeDays(rows))
    const days = rows.map(({ day }) => day).sort()
    return { key, firstDay: days[0] as string, lastDay: days.at(-1) as string, images: 0 }
  }
  async function publish(revision: number, parts: View['parts'], oldest?: number) {
    await publishView(objects, emptyView({ revision, parts }))
    await publishDays(objects, viewReader(objects), oldest)
  }
  /** Days, classes and images of the file of a revision, in its order. */
  async function rowsOf(revision: number) {
    const bytes = await objects.get(DAYS.keyOf(revision))
    return bytes && (await readParquet(bytes)).map(each => [each.event_day, each.class_name, Number(each.image_count)])
  }

  it('has a row for each day and class, in order, with the images of all parts', async () => {
    const november = await writePart(row('2026-11-02', 'River', 1), row('2026-11-01', 'River', 2))
    const imported = await writePart(row('2026-11-02', 'Forest', 3), row('2026-11-01', 'River', 4, '2025-01-01'))
    await publish(1, { '2026-11': november, 'import-2026-11': imported })
    expect(await rowsOf(1)).toEqual([
      ['2026-11-01', 'River', 6],
      ['2026-11-02', 'Forest', 3],
      ['2026-11-02', 'River', 1],
    ])
  })

  it('copies the days of parts that did not change, and adds up the others again', async () => {
    const november = await writePart(row('2026-11-01', 'River', 2), row('2026-11-02', 'River', 1))
    const september = await writePart(row('2026-09-30', 'River', 9), row('2026-09-30', 'Forest', 8))
    const august = await writePart(row('2026-08-31', 'River', 7))
    await publish(1, { '2026-08': august, '2026-09': september, '2026-11': november })
    // Days that are copied need no part.
    await objects.delete(september.key)
    const more = await writePart(row('2026-11-02', 'River', 5), row('2026-11-03', 'River', 6))
    await publish(2, { '2026-09': september, '2026-11': more })
    expect(await rowsOf(2)).toEqual([
      ['2026-09-30', 'Forest', 8],
      ['2026-09-30', 'River', 9],
      ['2026-11-02', 'River', 5],
      ['2026-11-03', 'River', 6],
    ])
    // The file of a view never changes.
    expect((await rowsOf(1))?.length).toBe(5)
  })

  it('is added up from all parts when the file or the view before is gone or damaged', async () => {
    const part = await writePart(row('2026-11-01', 'River', 2))
    const parts = { '2026-11': part }
    await publish(1, parts)
    await objects.put(DAYS.keyOf(1), Buffer.from('not Parquet'))
    await publish(2, parts)
    await objects.put(viewKey(2), Buffer.from('not JSON'))
    await publish(3, parts)
    await objects.delete(viewKey(3))
    await publish(4, parts)
    for (const revision of [2, 3, 4]) expect(await rowsOf(revision)).toEqual([['2026-11-01', 'River', 2]])
  })

  it('has no file of a view that cannot be read, and none that is older than the oldest view', async () => {
    const parts = { '2026-11': await writePart(row('2026-11-01', 'River', 2)) }
    const lost = { lost: { key: 'history/lost.parquet', firstDay: '2026-10-01', lastDay: '2026-10-01', images: 0 } }
    await publish(1, parts)
    await publish(2, lost)
    expect(await rowsOf(2)).toBeUndefined()
    await publish(3, parts, 2)
    expect(await rowsOf(1)).toBeUndefined()
    expect(await rowsOf(3)).toEqual([['2026-11-01', 'River', 2]])
  })
})
