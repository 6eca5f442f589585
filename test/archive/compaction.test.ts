import { beforeEach, describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { type CompactionOptions, compactArchive } from '../../functions/archive/compaction.ts'
import {
  COMPACTION_PROGRESS_PREFIX,
  slowestProgress,
  writeProgress,
} from '../../functions/archive/compaction-progress.ts'
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
const COLUMNS = ARCHIVE_COLUMNS.map(({ name }) => name)
  .filter(name => name !== 'source_file')
  .map(name => (name === 'event_time' ? 'cast(event_time as varchar) as event_time' : name))

describe('compaction', () => {
  let folder: string
  let objects: ObjectStore
  let nowMs: number
  beforeEach(() => {
    folder = temporaryFolder()
    objects = openFolderObjectStore(folder)
    nowMs = NOON_MS + 10 * SLOT_MS
  })

  const compact = (before = NOON_MS + SLOT_MS, options: Partial<CompactionOptions> = {}) =>
    compactArchive({ objects, slotMs: SLOT_MS, before, now: () => nowMs, ...options })

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

    expect(await compact()).toMatchObject({ inputs: 3, outputs: 1, deleted: 0 })
    expect(await files()).toHaveLength(5)
    expect(await content()).toEqual(before)

    nowMs += HOUR_MS
    expect(await compact()).toMatchObject({ inputs: 0, outputs: 0, deleted: 3 })
    const single = 'stream.1-7-7.parquet'
    expect(await files()).toEqual([expect.stringMatching(/^compacted-[0-9a-f]{32}-1-6\.parquet$/), single])
    expect(await content()).toEqual(before)
  })

  it('keeps a numbered record without events', async () => {
    const place = { lane: 'stream.0', arrivalMs: NOON_MS, late: false, line: 0 }
    for (const counter of [1, 2]) {
      const key = archiveKey(NOON_MS, SLOT_MS, 'stream.0', String(counter), String(counter))
      const origin = { producer: 'ann', counter }
      const row = { ...place, event: null, origin, position: toPosition(counter) }
      await objects.put(key, encodeArchiveFile([row], fileName(key)))
    }
    const before = await content()
    expect(await compact()).toMatchObject({ inputs: 2, outputs: 1 })
    nowMs += HOUR_MS
    await compact()
    expect(await content()).toEqual(before)
    expect(before.rows).toHaveLength(2)
  })

  it('writes no file when the merged ones hold nothing', async () => {
    for (const position of ['1', '2']) {
      const key = archiveKey(NOON_MS, SLOT_MS, 'stream.0', position, position)
      await objects.put(key, encodeArchiveFile([], fileName(key)))
    }
    expect(await compact()).toMatchObject({ inputs: 2, outputs: 0 })
    nowMs += HOUR_MS
    expect(await compact()).toMatchObject({ deleted: 2 })
    expect(await files()).toEqual([])
  })

  it('deletes nothing while a query that listed the small files may still read them', async () => {
    await archive([1])
    await archive([2])
    await compact()
    nowMs += HOUR_MS - 1
    expect(await compact()).toMatchObject({ inputs: 0, outputs: 0, deleted: 0 })
    expect(await files()).toHaveLength(3)
  })

  it('does not touch slots that ended recently, single files, and compacted files', async () => {
    await archive([1])
    await archive([2], NOON_MS + SLOT_MS)
    await archive([3], NOON_MS + SLOT_MS)
    expect(await compact()).toMatchObject({ inputs: 0, outputs: 0, deleted: 0 })
    expect((await compact(NOON_MS + 2 * SLOT_MS)).inputs).toBe(2)
    nowMs += HOUR_MS
    await compact(NOON_MS + 2 * SLOT_MS)
    expect(await compact(NOON_MS + 2 * SLOT_MS)).toMatchObject({ inputs: 0, outputs: 0, deleted: 0 })
  })

  it('does not touch imports: the batch layer refers to the lanes of their files', async () => {
    await archive([1], IMPORT_SLOT, 'import-some')
    await archive([2], IMPORT_SLOT, 'import-some')
    await archive([3], IMPORT_SLOT, 'import-other')
    expect(await compact()).toMatchObject({ inputs: 0, outputs: 0, deleted: 0 })
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
    const merged = expect.stringMatching(/^compacted-[0-9a-f]{32}-1-130\.parquet$/)
    expect(await files()).toEqual([merged, merged, merged])
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
    expect(await compact()).toMatchObject({ inputs: 2, outputs: 1, deleted: 0 })
  })

  it('fails, and deletes nothing, when a file disappears during the work', async () => {
    await archive([1])
    await archive([2])
    const vanishing = { ...objects, get: async (key: string) => (key.includes('-2-2.') ? undefined : objects.get(key)) }
    const failing = compactArchive({ objects: vanishing, slotMs: SLOT_MS, before: nowMs, now: () => nowMs })
    await expect(failing).rejects.toThrow(/vanished/)
    expect(await files()).toHaveLength(2)
  })

  describe('of more than one piece', () => {
    /** Number of files of a lane: one piece of five, and two files more. */
    const FILES = 7
    const pieceLimits = { rows: 1_000, files: 5 }

    /** Archives a lane with more files than a piece takes. */
    async function archiveLane(lane: string, slot = NOON_MS): Promise<void> {
      for (let position = 1; position <= FILES; position++) await archive([position], slot, lane)
    }

    /** Time for a number of pieces. */
    const timeFor = (pieces: number) => () => pieces-- > 0

    it('continues with the next piece when an earlier run ran out of time', async () => {
      await archiveLane('stream.0')
      const before = await content()
      const first = await compact(undefined, { hasTime: timeFor(1), pieceLimits })
      expect(first).toMatchObject({ inputs: 5, outputs: 1, behindMs: SLOT_MS })
      expect(await content()).toEqual(before)
      expect(await compact(undefined, { pieceLimits })).toMatchObject({ inputs: 2, outputs: 1, behindMs: 0 })
      nowMs += HOUR_MS
      await compact()
      expect(await files()).toHaveLength(2)
      expect(await content()).toEqual(before)
    })

    it('loses nothing in a crash between two pieces, or between a piece and its record', async () => {
      await archiveLane('stream.0')
      const before = await content()
      let puts = 0
      const crashing = (after: number): ObjectStore => ({
        ...objects,
        put: async (key, bytes) => {
          if (puts++ >= after) throw new Error('the process ended')
          return objects.put(key, bytes)
        },
      })
      for (const after of [1, 2, 1]) {
        puts = 0
        await expect(compact(undefined, { objects: crashing(after), pieceLimits })).rejects.toThrow('the process ended')
        expect(await content()).toEqual(before)
      }
      await compact(undefined, { pieceLimits })
      nowMs += HOUR_MS
      await compact()
      expect(await files()).toHaveLength(2)
      expect(await content()).toEqual(before)
    })

    it('gives the same counts when two compactions run at the same time', async () => {
      await archiveLane('stream.0')
      const before = await content()
      const both = [
        compact(undefined, { pieceLimits }),
        archive([FILES + 1]).then(() => compact(undefined, { pieceLimits })),
      ]
      await Promise.all(both)
      nowMs += HOUR_MS
      await Promise.allSettled([compact(), compact()])
      await compact()
      expect((await files()).filter(name => !name.startsWith('compacted-'))).toEqual([])
      const after = await content()
      expect(after.rows.slice(0, FILES)).toEqual(before.rows)
      expect(after.rows).toHaveLength(FILES + 1)
    })
  })

  it('ends a piece at its limit of rows, so that memory stays bounded', async () => {
    for (let first = 1; first < 100; first += 10) {
      await archive(Array.from({ length: 10 }, (_, at) => first + at))
    }
    const before = await content()
    const pieceLimits = { rows: 30, files: 1_000 }
    expect(await compact(undefined, { pieceLimits })).toMatchObject({ inputs: 9, outputs: 3 })
    nowMs += HOUR_MS
    await compact(undefined, { pieceLimits })
    const merged = expect.stringMatching(/^compacted-[0-9a-f]{32}-1-30\.parquet$/)
    expect(await files()).toEqual([merged, merged, merged, 'stream.0-91-100.parquet'])
    expect(await content()).toEqual(before)
  })

  it('compacts all other lanes and slots when one fails, reports the failure, and compacts that one in a later run', async () => {
    for (const slot of [NOON_MS, NOON_MS + SLOT_MS]) {
      await archive([1], slot)
      await archive([2], slot)
      await archive([1], slot, 'stream.1')
      await archive([2], slot, 'stream.1')
    }
    const damaged = (key: string) => key.includes(`${SLOT}/stream.0-2-2.`)
    const failing = { ...objects, get: async (key: string) => (damaged(key) ? Buffer.from('torn') : objects.get(key)) }
    const until = NOON_MS + 3 * SLOT_MS
    await expect(compact(until, { objects: failing })).rejects.toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^1 times a lane of a slot/),
        cause: expect.any(Error),
      }),
    )
    expect(await slowestProgress(objects)).toMatchObject({ from: NOON_MS, behindMs: 3 * SLOT_MS })
    nowMs += HOUR_MS
    expect(await compact(until)).toMatchObject({ inputs: 2, outputs: 1, deleted: 6, behindMs: 0 })
    expect(await slowestProgress(objects)).toEqual({ from: until, behindMs: 0, error: null })
  })

  it('lists only what is new, and a day before it', async () => {
    const listed: string[] = []
    const watching: ObjectStore = {
      ...objects,
      async *list(prefix, after) {
        for await (const key of objects.list(prefix, after)) {
          if (prefix === ARCHIVE_PREFIX) listed.push(key)
          yield key
        }
      },
    }
    for (let slot = 0; slot < 50; slot++) {
      await archive([1], NOON_MS + slot * SLOT_MS)
      await archive([2], NOON_MS + slot * SLOT_MS)
    }
    const until = NOON_MS + 50 * SLOT_MS
    expect(await compact(until, { objects: watching })).toMatchObject({ inputs: 100 })
    expect(listed).toHaveLength(100)
    nowMs += HOUR_MS
    await compact(until)
    listed.length = 0
    expect(await compact(until + SLOT_MS, { objects: watching })).toMatchObject({ inputs: 0, behindMs: 0 })
    expect(listed).toHaveLength(24)
  })

  it('is divided between workers: each lane and slot has one worker, and together they do everything', async () => {
    for (let lane = 0; lane < 12; lane++) {
      await archive([1, 2], NOON_MS, `stream.${lane}`)
      await archive([3], NOON_MS, `stream.${lane}`)
    }
    const before = await content()
    const workers = [0, 1, 2].map(index => ({ index, of: 3 }))
    // The first run of the only worker has left its progress.
    await compact(NOON_MS)
    const merged = await Promise.all(workers.map(worker => compact(undefined, { worker })))
    for (const { inputs } of merged) expect(inputs).toBeGreaterThan(0)
    expect(merged.reduce((sum, { inputs }) => sum + inputs, 0)).toBe(24)
    nowMs += HOUR_MS
    for (const worker of workers) await compact(undefined, { worker })
    expect(await files()).toHaveLength(12)
    expect(await content()).toEqual(before)
    expect(await Array.fromAsync(objects.list(COMPACTION_PROGRESS_PREFIX))).toHaveLength(3)
  })

  it('reports the progress of the worker that is furthest behind', async () => {
    expect(await slowestProgress(objects)).toBe(undefined)
    const behind = [2, 5, 1].map(slots => ({ from: NOON_MS, behindMs: slots * SLOT_MS, error: null }))
    for (const [index, progress] of behind.entries()) await writeProgress(objects, { index, of: 3 }, progress)
    expect(await slowestProgress(objects)).toEqual(behind[1])
    const vanishing = { ...objects, get: async (key: string) => (key.includes('2-of') ? undefined : objects.get(key)) }
    expect(await slowestProgress(vanishing)).toEqual(behind[1])
  })

  it('deletes files that a compaction of the last release has replaced', async () => {
    await archive([1])
    await archive([2])
    const inputs = (await files()).map(name => `${ARCHIVE_PREFIX}arrival_slot=${SLOT}/${name}`)
    const record = { inputs, outputs: [], writtenMs: nowMs }
    await objects.put(`compactions/${SLOT}.json`, Buffer.from(JSON.stringify(record)))
    expect(await compact()).toMatchObject({ inputs: 0, deleted: 0 })
    nowMs += HOUR_MS
    expect(await compact()).toMatchObject({ inputs: 0, deleted: 2 })
    expect(await files()).toEqual([])
  })
})
