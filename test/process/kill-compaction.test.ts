import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openDuckDbBatchQuery } from '../../functions/adapters/sql/duckdb-batch-query.ts'
import { ARCHIVE_PREFIX, archiveKey, fileName } from '../../functions/archive/layout.ts'
import { type ArchivedEvent, encodeArchiveFile } from '../../functions/archive/parquet.ts'
import { ARCHIVE_TABLE_COLUMNS } from '../../functions/archive/table.ts'
import { countSlots } from '../../functions/batch/query.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { imageEvent, NOON_MS } from '../support/factories.ts'
import { run } from '../support/landcover.ts'
import { BATCH_SQL } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const KILLS = 12
const FILES = 20
const EVENTS = 5
const SLOTS = [NOON_MS, NOON_MS + HOUR_MS]

it('a compaction that is killed repeatedly, at any moment, loses and duplicates nothing', async () => {
  const folder = temporaryFolder()
  const objects = openFolderObjectStore(folder)
  const query = await openDuckDbBatchQuery(`${folder}/archive`, ARCHIVE_TABLE_COLUMNS)
  let position = 0
  const archive = async (slot: number) => {
    const rows = Array.from({ length: EVENTS }, (): ArchivedEvent => {
      const place = { lane: 'stream.0', position: toPosition(++position), arrivalMs: slot }
      return { ...place, event: imageEvent({ imageId: `${position}` }), origin: null, line: 0, late: false }
    })
    const key = archiveKey(slot, HOUR_MS, 'stream.0', String(position - EVENTS + 1), String(position))
    await objects.put(key, encodeArchiveFile(rows, fileName(key)))
  }
  const images = async () => {
    const { days } = await countSlots(query, BATCH_SQL, HOUR_MS, SLOTS, { files: [], lanes: [] })
    return days.reduce((sum, { history }) => sum + history.totals.count, 0)
  }

  for (let kill = 0; kill < KILLS; kill++) {
    for (let file = 0; file < FILES; file++) await archive(SLOTS[file % SLOTS.length] as number)
    const compacting = run('test/process/compacting.ts', [folder])
    const untilMs = performance.now() + 600 + Math.random() * 1_200
    let answers = 0
    while (performance.now() < untilMs || answers === 0) {
      // A query fails when a file that it listed is deleted before it is read; it never leaves the file out.
      const counted = await images().catch(() => null)
      if (counted === null) continue
      expect(counted).toBe(position)
      answers++
    }
    compacting.child.kill('SIGKILL')
    await compacting.finished
    expect(await images()).toBe(position)
  }
  const finishing = run('test/process/compacting.ts', [folder])
  while ((await Array.fromAsync(objects.list(ARCHIVE_PREFIX))).some(key => !key.includes('/compacted-')))
    await sleep(50)
  finishing.child.kill('SIGKILL')
  await finishing.finished
  expect(await images()).toBe(position)
  await query.close()
})
