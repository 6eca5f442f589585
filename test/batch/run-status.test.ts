import { beforeEach, describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import type { BatchRun } from '../../functions/batch/run.ts'
import { readRunStatus, recordRun } from '../../functions/batch/run-status.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { NOON_MS } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe('the note on the last batch run', () => {
  const done: BatchRun = { view: undefined, published: false, behind: [{ lane: 'log.1', latestSlot: null }] }
  const failing = () => Promise.reject(new Error('the archive is away'))
  let objects: ObjectStore
  beforeEach(() => {
    objects = openFolderObjectStore(temporaryFolder())
  })
  const noted = async () => JSON.parse(Buffer.from((await objects.get('batch/last-run.json')) ?? []).toString())

  it('is absent before the first run, and read as it was written', async () => {
    expect(await readRunStatus(objects)).toBeUndefined()
    await recordRun(
      objects,
      () => NOON_MS,
      async () => done,
    )
    expect(await readRunStatus(objects)).toEqual(await noted())
  })

  it('names its end, and the lanes for which the cut waits', async () => {
    expect(
      await recordRun(
        objects,
        () => NOON_MS,
        async () => done,
      ),
    ).toBe(done)
    expect(await noted()).toEqual({ endedAt: '2026-11-22T12:00:00.000Z', error: null, behind: ['log.1'] })
  })

  it('states the reason of a failure; the run still fails, also when the note cannot be written', async () => {
    await expect(recordRun(objects, () => NOON_MS, failing)).rejects.toThrow('the archive is away')
    expect(await noted()).toEqual({ endedAt: '2026-11-22T12:00:00.000Z', error: 'the archive is away', behind: [] })
    const full = { ...objects, put: () => Promise.reject(new Error('the disk is full')) }
    await expect(recordRun(full, () => NOON_MS, failing)).rejects.toThrow('the archive is away')
  })
})
