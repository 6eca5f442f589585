import { join } from 'node:path'
import { expect, it } from 'vitest'
import { liveImage, toWireEvent } from '../../data/generator.ts'
import { openFolderObjectStore } from '../../functions/adapters/folder-object-store.ts'
import { archiveDelivery } from '../../functions/archive/archive.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { encodeRecord } from '../../functions/core/record.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

it('begins a further file where a delivery decodes to very many events, and leaves none out', async () => {
  const arrivalMs = Date.UTC(2026, 10, 1)
  const event = toWireEvent(liveImage({ seed: 1, index: 1, atMs: arrivalMs }))
  const events = Array.from({ length: 60_000 }, () => event)
  const records = [1, 2, 3].map(counter => ({
    lane: 'log.0',
    position: toPosition(counter),
    arrivalMs,
    data: encodeRecord({ producer: 'test', counter }, events),
  }))
  const objects = openFolderObjectStore(join(temporaryFolder(), 'objects'))
  const classes = async () => new Map([[event.class_name, 0]])
  const archived = await archiveDelivery({ objects, slotMs: HOUR_MS, classes }, 'log.0', records)
  expect(archived).toEqual({ files: 2, events: 180_000 })
  const keys = await Array.fromAsync(objects.list('archive/'))
  expect(keys.map(key => key.replace(/.*\//, ''))).toEqual(['log.0-1-2.parquet', 'log.0-3-3.parquet'])
})
