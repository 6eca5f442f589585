import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openFolderObjectStore } from '../../../functions/adapters/files/object-store.ts'
import { newCursor } from '../../../functions/core/cursor.ts'
import { DEFAULT_LATENESS, DEFAULT_LATENESS_MS } from '../../../functions/core/lateness.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../functions/core/time.ts'
import { changeLateness } from '../../../functions/runtime/local/lateness.ts'
import { latenessOf } from '../../../functions/runtime/local/settings.ts'
import { openState, readState } from '../../../functions/runtime/local/state.ts'
import { NOON_MS } from '../../support/factories.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const SETTINGS = { slotMs: HOUR_MS, demo: false, createdMs: 1 }

/** Changes a state's lateness. @param arrivals latest arrival that each lane's cursor has passed */
async function change(
  folder: string,
  latenessMs: number,
  nowMs: number,
  { arrivals = [], archived = false }: { arrivals?: (number | null)[]; archived?: boolean } = {},
) {
  const objects = openFolderObjectStore(join(folder, 'objects'))
  if (archived) await objects.put('archive/arrival_slot=2026-11-22T12-00/lane-1-2.parquet', new Uint8Array(1))
  const cursors = arrivals.map((lastArrivalMs, index) => ({ ...newCursor(`lane-${index}`), lastArrivalMs }))
  const since = await changeLateness(
    folder,
    { store: { readCursors: async () => cursors }, objects },
    latenessMs,
    nowMs,
  )
  return { since, stored: latenessOf(readState(folder)) }
}

async function newState(): Promise<string> {
  const folder = temporaryFolder()
  await openState(folder, SETTINGS)
  return folder
}

it('a new state has the allowed lateness of five minutes, or the one that it is made with', async () => {
  expect(latenessOf(readState(await newState()))).toEqual(DEFAULT_LATENESS)
  const folder = temporaryFolder()
  const twoDays = [{ since: 0, ms: 2 * DAY_MS }]
  await openState(folder, { ...SETTINGS, lateness: twoDays })
  expect(latenessOf(readState(folder))).toEqual(twoDays)
  expect(await change(folder, 2 * DAY_MS, NOON_MS, { arrivals: [NOON_MS] })).toEqual({ since: 0, stored: twoDays })
})

it('another lateness begins with the next slot: events of the current one may be counted by one layer only', async () => {
  const folder = await newState()
  const since = NOON_MS + HOUR_MS
  const changed = [...DEFAULT_LATENESS, { since, ms: DAY_MS }]
  expect(await change(folder, DAY_MS, NOON_MS + 1, { arrivals: [NOON_MS] })).toEqual({ since, stored: changed })
  // Once more, and after a whole day: nothing changes.
  expect(await change(folder, DAY_MS, NOON_MS + 2, { arrivals: [NOON_MS] })).toEqual({ since, stored: changed })
  expect(await change(folder, DAY_MS, NOON_MS + DAY_MS, { arrivals: [NOON_MS] })).toEqual({ since, stored: changed })
  const back = await change(folder, DEFAULT_LATENESS_MS, NOON_MS + 2, { arrivals: [NOON_MS] })
  expect(back).toEqual({ since: 0, stored: DEFAULT_LATENESS })
})

it('another lateness begins after everything that a lane has applied, also when the log’s clock is ahead', async () => {
  const arrivals = [NOON_MS, NOON_MS + 5 * HOUR_MS + 1, null]
  expect(await change(await newState(), DAY_MS, NOON_MS, { arrivals })).toMatchObject({ since: NOON_MS + 6 * HOUR_MS })
})

it('a system that has counted nothing has another lateness for all time', async () => {
  const stored = [{ since: 0, ms: DAY_MS }]
  expect(await change(await newState(), DAY_MS, NOON_MS)).toEqual({ since: 0, stored })
  // The store was lost: the archive has what was counted.
  const lost = await change(await newState(), DAY_MS, NOON_MS, { archived: true })
  expect(lost).toMatchObject({ since: NOON_MS + HOUR_MS })
})

it('the other settings stay, and a state of an older format keeps the five minutes that it had', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'landcover.json')
  writeFileSync(file, JSON.stringify({ ...SETTINGS, format: 2, systemId: 'a', log: 'kafka://localhost:9092/tiles' }))
  expect(latenessOf(readState(folder))).toEqual(DEFAULT_LATENESS)
  await change(folder, MINUTE_MS, NOON_MS, { arrivals: [null] })
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    ...SETTINGS,
    ...{ format: 3, systemId: 'a', log: 'kafka://localhost:9092/tiles' },
    lateness: [...DEFAULT_LATENESS, { since: NOON_MS + HOUR_MS, ms: MINUTE_MS }],
  })
})

it('settings with a lateness that cannot be are damaged, and say so', async () => {
  const folder = temporaryFolder()
  const settings = { ...SETTINGS, format: 3, systemId: 'a', lateness: [{ since: 0, ms: 1 }] }
  writeFileSync(join(folder, 'landcover.json'), JSON.stringify(settings))
  expect(() => readState(folder)).toThrow('damaged (lateness: lateness: ms is 1, and must be from 60000 (a minute)')
})
