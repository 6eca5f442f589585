import { expect, it } from 'vitest'
import { openSqliteSpeedStore } from '../../../functions/adapters/sqlite/speed-store.ts'
import { importEvents } from '../../../functions/archive/imports.ts'
import { HOUR_MS } from '../../../functions/core/time.ts'
import { describeLostStore } from '../../../functions/runtime/local/lost-store.ts'
import { imageEvent, NOON_MS, wireEvent } from '../../support/factories.ts'
import { openImportPipeline } from '../../support/imported.ts'
import { openOneLane } from '../../support/one-lane.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

function emptyStore() {
  return openSqliteSpeedStore(`${temporaryFolder()}/store.sqlite`)
}

it('an empty speed store beside a view of the log is lost, and its own store is not', async () => {
  const { pipeline, clock, append, heartbeat, speed, archive } = await openOneLane({ slotMs: HOUR_MS })
  const empty = emptyStore()
  const { views } = pipeline.serving
  expect(await describeLostStore(empty, views, HOUR_MS)).toBeUndefined()
  const records = [append(JSON.stringify(wireEvent({ image_id: 'a' })))]
  for (const deliver of [speed, archive]) await deliver(records)
  clock.nowMs += 2 * HOUR_MS
  const beat = [heartbeat()]
  for (const deliver of [speed, archive]) await deliver(beat)
  const { view } = await pipeline.runBatch()
  expect(view?.audit.images).toBe(1)
  expect(await describeLostStore(pipeline.store, views, HOUR_MS)).toBeUndefined()
  const description = await describeLostStore(empty, views, HOUR_MS)
  for (const part of ['batch view 1', 'removed or emptied', 'npm run replay']) expect(description).toContain(part)
  await empty.close()
})

it('a new speed store beside a view of imports alone is not lost', async () => {
  const { pipeline } = await openImportPipeline()
  await importEvents(pipeline.objects, HOUR_MS, 'a', [[imageEvent({ imageId: 'a' })]], NOON_MS)
  const { view } = await pipeline.runBatch()
  expect(view?.audit.images).toBe(1)
  const empty = emptyStore()
  expect(await describeLostStore(empty, pipeline.serving.views, HOUR_MS)).toBeUndefined()
  await empty.close()
})
