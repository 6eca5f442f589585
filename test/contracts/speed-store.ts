import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import { describeCursors } from './speed-store/cursors.ts'
import {
  claimAt,
  cursorAt,
  entryAt,
  expectEntries,
  freshClass,
  freshLane,
  freshProducer,
  LONG_MS,
  query,
  RIVALS,
  rowAt,
  SLOT,
  type Stores,
  times,
  unusualImageAt,
} from './speed-store/factories.ts'
import { describeQuarantine } from './speed-store/quarantine.ts'
import { describeRows } from './speed-store/rows.ts'
import { describeUnusualImages } from './speed-store/unusual-images.ts'

export type OpenSpeedStore = () => Promise<{
  store: SpeedStore
  /** Opens the same data again, as another process would. The first store stays open. */
  reopen(): Promise<SpeedStore>
  /** Closes `store`. */
  close(): Promise<void>
}>

/** Contract tests for all adapters of the port SpeedStore. */
export function describeSpeedStore(name: string, open: OpenSpeedStore): void {
  describe(`the speed store: ${name}`, () => {
    let opened: Awaited<ReturnType<OpenSpeedStore>>
    let store: SpeedStore
    /** Same data, through another connection. */
    let rival: SpeedStore
    beforeAll(async () => {
      opened = await open()
      store = opened.store
      rival = await opened.reopen()
    }, LONG_MS)
    afterAll(async () => {
      await rival?.close()
      await opened?.close()
    })
    const oneOfTwo = (index: number): SpeedStore => (index % 2 === 0 ? store : rival)

    test('stores its settings once; all processes get the same ones', async () => {
      const asked = times(RIVALS, index => ({ format: 1, slotMs: (index + 1) * MINUTE_MS, systemId: null }))
      const answers = await Promise.all(asked.map((settings, index) => oneOfTwo(index).initSettings(settings)))
      expect(asked).toContainEqual(answers[0])
      for (const answer of answers) expect(answer).toEqual(answers[0])
      expect(await rival.initSettings({ format: 2, slotMs: 5, systemId: 'another' })).toEqual(answers[0])
    })

    test('replaces settings only if the current ones are given, and keeps the slot length', async () => {
      const none = await store.initSettings({ format: 1, slotMs: 5, systemId: null })
      const owned = { ...none, format: 2, systemId: 'a system' }
      expect(await rival.replaceSettings({ ...owned, slotMs: none.slotMs + 1 }, { ...none, format: 3 })).toBe(false)
      expect(await rival.replaceSettings(owned, { ...none, systemId: 'nobody' })).toBe(false)
      expect(await store.initSettings(owned)).toEqual(none)
      const asked = times(RIVALS, index => ({ ...owned, systemId: `system ${index}`, slotMs: none.slotMs + 1 }))
      const written = await Promise.all(asked.map((settings, index) => oneOfTwo(index).replaceSettings(settings, none)))
      expect(written.filter(Boolean)).toHaveLength(1)
      const { systemId } = asked[written.indexOf(true)] as (typeof asked)[number]
      expect(await rival.initSettings(none)).toEqual({ ...owned, systemId })
      expect(await rival.replaceSettings({ ...owned, systemId: 'another' }, { ...owned, systemId: null })).toBe(false)
    })

    const stores = (): Stores => ({ store, rival, oneOfTwo })
    describeCursors(stores)
    describeRows(stores)
    describeUnusualImages(stores)
    describeQuarantine(stores)

    test('still has everything after it is opened again', async () => {
      const cursor = cursorAt(freshLane(), 3)
      const row = rowAt(cursor.lane, 3)
      const image = unusualImageAt(freshClass(), 1, 'image')
      const entry = entryAt(cursor.lane, 2, 0)
      await store.createCursor(cursor)
      await store.writeRow(row, null)
      await store.putUnusualImages([image])
      await store.quarantine([entry])
      const claim = claimAt(freshProducer())
      await store.claimRedrive(claim)
      const again = await opened.reopen()
      expect(await again.readCursor(cursor.lane)).toEqual(cursor)
      expect(await again.readRows(cursor.lane, { from: SLOT, until: SLOT + HOUR_MS })).toEqual([row])
      expect(await again.readUnusualImages(query(image.className, 1))).toEqual([image])
      expectEntries(await again.readQuarantine({ lane: cursor.lane, after: null, limit: 1 }), [entry])
      expect(await again.readRedrives([claim.producer])).toEqual([{ ...claim, appendedMs: null }])
      await again.close()
    })
  })
}
