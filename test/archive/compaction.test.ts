import { beforeEach, describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { compactArchive } from '../../functions/archive/compaction.ts'
import { ARCHIVE_PREFIX, archiveKey, fileName } from '../../functions/archive/layout.ts'
import { ARCHIVE_COLUMNS, type ArchivedEvent, encodeArchiveFile } from '../../functions/archive/parquet.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../functions/archive/table.ts'
import { countSlots } from '../../functions/batch/query.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { IMPORT_SLOT, slotName } from '../../functions/core/slot.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { imageEvent, NOON_MS } from '../support/factories.ts'
import { BATCH_SQL } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SLOT_MS = HOUR_MS
const SLOT = slotName(NOON_MS, SLOT_MS)
const COLUMNS = ARCHIVE_COLUMNS.map(({ name }) => name).filter(name => name !== 'source_file' && name !== 'event_time')

describe('compaction', () => {
  let folder: string
  let objects: ObjectStore
  let nowMs: number
  beforeEach(() => {
    folder = temporaryFolder()
    objects = openFolderObjectStore(folder)
    nowMs = NOON_MS + 10 * SLOT_MS
  })

  const compact = (before = NOON_MS + SLOT_MS) => compactArchive({ objects, slotMs: SLOT_MS, before, now: () => nowMs })

  async function archive(positions: number[], slot = NOON_MS, lane = 'stream.0'): Promise<void> {
    const [first, last] = positions.length === 0 ? [0, 0] : [Math.min(...positions), Math.max(...positions)]
    const key = archiveKey(slot, SLOT_MS, lane, String(first), String(last))
    const rows = positions.map((position): ArchivedEvent => {
      const event = imageEvent({
        imageId: `image-${position}`,
        ndviMin: position % 2 ? null : -position,
        nir: position,
      })
      const origin = position % 3 ? null : { producer: 'ann', counter: position }
      return { event, origin, line: 0, lane, position: toPosition(position), arrivalMs: slot, late: false }
    })
    await objects.put(key, encodeArchiveFile(rows, fileName(key)))
  }

  const files = async () => (await Array.fromAsync(objects.list(ARCHIVE_PREFIX))).map(fileName)

  /** Everything that identifies an event, for every event once, and what the batch layer counts. */
  async function content() {
    const query = await openDuckDbBatchQuery(`${folder}/archive`, ARCHIVE_TABLE_COLUMNS)
    const { rows } = await query.query(
      `select distinct ${COLUMNS.join()} from landcover_archive order by lane, sequence, line`,
      { first: SLOT, last: SLOT },
    )
    const { days } = await countSlots(query, BATCH_SQL, SLOT_MS, [NOON_MS], { files: [], lanes: [] })
    await query.close()
    return { rows, days }
  }

  it('keeps every event unchanged, and its count, before and after the small files are deleted', async () => {
    await archive([1, 2, 3, 4])
    await archive([4, 5, 6])
    await archive([])
    await archive([7], NOON_MS, 'stream.1')
    const before = await content()
    expect(before.rows).toHaveLength(7)

    expect(await compact()).toEqual({ inputs: 4, outputs: 1, deleted: 0 })
    expect(await files()).toHaveLength(5)
    expect(await content()).toEqual(before)

    nowMs += HOUR_MS
    expect(await compact()).toEqual({ inputs: 0, outputs: 0, deleted: 4 })
    expect(await files()).toEqual([expect.stringMatching(/^compacted-[0-9a-f]{32}-1-7\.parquet$/)])
    expect(await content()).toEqual(before)
  })

  it('deletes nothing while a query that listed the small files may still read them', async () => {
    await archive([1])
    await archive([2])
    await compact()
    nowMs += HOUR_MS - 1
    expect(await compact()).toEqual({ inputs: 0, outputs: 0, deleted: 0 })
    expect(await files()).toHaveLength(3)
  })

  it('does not touch slots that ended recently, single files, and compacted files', async () => {
    await archive([1])
    await archive([2], NOON_MS + SLOT_MS)
    await archive([3], NOON_MS + SLOT_MS)
    expect(await compact()).toEqual({ inputs: 0, outputs: 0, deleted: 0 })
    expect((await compact(NOON_MS + 2 * SLOT_MS)).inputs).toBe(2)
    nowMs += HOUR_MS
    await compact(NOON_MS + 2 * SLOT_MS)
    expect(await compact(NOON_MS + 2 * SLOT_MS)).toEqual({ inputs: 0, outputs: 0, deleted: 0 })
  })

  it('does not touch imports: the batch layer refers to the lanes of their files', async () => {
    await archive([1], IMPORT_SLOT, 'import-some')
    await archive([2], IMPORT_SLOT, 'import-some')
    await archive([3], IMPORT_SLOT, 'import-other')
    expect(await compact()).toEqual({ inputs: 0, outputs: 0, deleted: 0 })
    expect(await files()).toHaveLength(3)
  })

  it('includes files that came late, beside files that were compacted before', async () => {
    await archive([1])
    await archive([2])
    await compact()
    nowMs += HOUR_MS
    await compact()
    await archive([2, 3])
    await archive([4])
    const before = await content()
    expect((await compact()).inputs).toBe(2)
    nowMs += HOUR_MS
    await compact()
    expect(await files()).toHaveLength(2)
    expect(await content()).toEqual(before)
  })

  it('takes each record once from files that overlap in many ways, with positions of any length, in several lanes', async () => {
    const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at)
    // The name of one lane with a position can be the name of another lane.
    const lanes = ['stream.0', 'stream.0-10', 'stream.1']
    for (const lane of lanes) {
      await archive(range(1, 12), NOON_MS, lane)
      await archive(range(9, 11), NOON_MS, lane)
      await archive(range(10, 40), NOON_MS, lane)
      await archive(range(10, 12), NOON_MS, lane)
      await archive(range(39, 98), NOON_MS, lane)
      await archive(range(97, 130), NOON_MS, lane)
      await archive(range(100, 101), NOON_MS, lane)
      await archive(range(95, 103), NOON_MS, lane)
      await archive([], NOON_MS, lane)
    }
    const before = await content()
    expect(before.rows).toHaveLength(3 * 130)
    await compact()
    nowMs += HOUR_MS
    await compact()
    expect(await files()).toEqual([expect.stringMatching(/^compacted-[0-9a-f]{32}-1-390\.parquet$/)])
    expect(await content()).toEqual(before)
  })

  it('remembers no more positions than later files can repeat', async () => {
    for (const lane of ['stream.0', 'stream.1']) {
      for (let first = 1; first < 400; first += 20) {
        await archive(
          Array.from({ length: 25 }, (_, at) => first + at),
          NOON_MS,
          lane,
        )
      }
    }
    const { add } = Set.prototype
    let most = 0
    Set.prototype.add = function (value) {
      add.call(this, value)
      if (/\d{56}$/.test(String(value))) most = Math.max(most, this.size)
      return this
    }
    try {
      await compact()
    } finally {
      Set.prototype.add = add
    }
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(2 * 25)
  })

  it('skips objects that are not files of the archive', async () => {
    await archive([1])
    await archive([2])
    for (const foreign of ['.DS_Store', 'README', `arrival_slot=${SLOT}/.DS_Store`]) {
      await objects.put(`${ARCHIVE_PREFIX}${foreign}`, Buffer.from('not ours'))
    }
    expect(await compact()).toEqual({ inputs: 2, outputs: 1, deleted: 0 })
  })

  it('fails, and deletes nothing, when a file disappears during the work', async () => {
    await archive([1])
    await archive([2])
    const vanishing = { ...objects, get: async (key: string) => (key.includes('-2-2.') ? undefined : objects.get(key)) }
    const failing = compactArchive({ objects: vanishing, slotMs: SLOT_MS, before: nowMs, now: () => nowMs })
    await expect(failing).rejects.toThrow(/vanished/)
    expect(await files()).toHaveLength(2)
  })
})
