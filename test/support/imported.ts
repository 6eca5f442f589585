import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { viewReader } from '../../functions/batch/view-reader.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { openState } from '../../functions/runtime/local/state.ts'
import { NOON_MS } from './factories.ts'
import { openPipeline, perClass, withoutLateness } from './pipeline.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** A folder for the test's files, and in it a state that nothing has run on yet. */
export async function emptyState() {
  const folder = temporaryFolder()
  const state = join(folder, 'state')
  await openState(state, { slotMs: HOUR_MS, demo: false, createdMs: Date.now() })
  return { folder, state }
}

/** The totals of all time in the current view. */
export async function counted(state: string) {
  const views = viewReader(openFolderObjectStore(join(state, 'objects')))
  const view = await views.current()
  const classes = view ? await views.classes(view) : new Map<string, never>()
  return withoutLateness(new Map(Array.from(classes, ([name, { totals }]) => [name, totals])))
}

/** A pipeline without lanes, for what is only imported, until the test ends. */
export async function openImportPipeline() {
  const pipeline = await openPipeline({
    streamIdentity: 'stream',
    slotMs: HOUR_MS,
    lanes: async () => [],
    now: () => NOON_MS,
  })
  onTestFinished(() => pipeline.close())
  return {
    pipeline,
    /** Totals of the classes after a batch run. */
    async counted() {
      await pipeline.runBatch()
      return withoutLateness(perClass(await pipeline.batchTotals()))
    },
  }
}
