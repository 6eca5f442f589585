import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { compactArchive } from '../../functions/archive/compaction.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { NOON_MS } from '../support/factories.ts'

/** End of the slots of the test: files that come a day and more after their slot was compacted stay as they are. */
const BEFORE = NOON_MS + 2 * HOUR_MS

/** Compacts the archive of a folder repeatedly, until it is killed. Time jumps, so that small files are deleted. */
const [folder = ''] = process.argv.slice(2)
const objects = openFolderObjectStore(folder)
for (let nowMs = Date.now(); ; nowMs += 2 * HOUR_MS) {
  await compactArchive({ objects, slotMs: HOUR_MS, before: BEFORE, now: () => nowMs })
}
