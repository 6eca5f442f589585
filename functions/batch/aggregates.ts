import type { ObjectStore } from '../ports/object-store.ts'
import { AGGREGATES, encodeAggregates } from './aggregates-table.ts'
import { publishDays } from './days.ts'
import { DamagedObjectError, decodeView, revisionOf, VIEW_PREFIX, viewKey } from './view.ts'
import type { ViewReader } from './view-reader.ts'

/**
 * Writes the table files of published views that have none, and removes those whose view is gone. Only views of the
 * chain get a file, so a run that published nothing leaves none. A file never changes: readers find it whole, and each
 * writer writes the same bytes. It runs before and after a batch run: a run that crashed between its view and its file
 * leaves the file to the next one.
 */
export async function publishTables(objects: ObjectStore, views: ViewReader): Promise<void> {
  const oldest = await publishAggregates(objects, views)
  await publishDays(objects, views, oldest)
}

/** @returns the oldest revision that is kept; undefined before the first */
async function publishAggregates(objects: ObjectStore, views: ViewReader): Promise<number | undefined> {
  const published = (await Array.fromAsync(objects.list(VIEW_PREFIX))).map(revisionOf)
  const written = await AGGREGATES.written(objects)
  const known = new Set(written)
  for (const revision of published) if (!known.has(revision)) await writeOne(objects, views, revision)
  const [oldest] = published
  await AGGREGATES.deleteBefore(objects, written, oldest)
  return oldest
}

async function writeOne(objects: ObjectStore, views: ViewReader, revision: number): Promise<void> {
  const key = viewKey(revision)
  const bytes = await objects.get(key)
  // Another run may have removed it since it was listed.
  if (!bytes) return
  try {
    const view = decodeView(key, bytes)
    await objects.putIfAbsent(AGGREGATES.keyOf(revision), encodeAggregates(view, await views.classes(view)))
  } catch (error) {
    // Answers skip a damaged view, and so does the table.
    if (!(error instanceof DamagedObjectError)) throw error
  }
}
