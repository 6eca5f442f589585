import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { compactArchive } from '../../functions/archive/compaction.ts'
import { HOUR_MS } from '../../functions/core/time.ts'

/** Compacts the archive of a folder repeatedly, until it is killed. Time jumps, so that small files are deleted. */
const [folder = ''] = process.argv.slice(2)
const objects = openFolderObjectStore(folder)
for (let nowMs = Date.now(); ; nowMs += 2 * HOUR_MS) {
  await compactArchive({ objects, slotMs: HOUR_MS, before: nowMs, now: () => nowMs })
}
