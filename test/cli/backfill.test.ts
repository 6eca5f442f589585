import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { archiveKey, fileName, parseArchiveKey } from '../../functions/archive/layout.ts'
import { encodeArchiveFile } from '../../functions/archive/parquet.ts'
import { toPosition } from '../../functions/core/lane.ts'
import { dayOf } from '../../functions/core/time.ts'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { imageEvent } from '../support/factories.ts'
import { eventually, run, runBatch, runProduce, startSystem, totalCount } from '../support/landcover.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const EVENTS = 200
/** The view looks after 24 slots: so long that a slow machine comes to the run within them. */
const SLOT_MS = 5_000

const backfill = (state: string, ...flags: string[]) =>
  run('functions/cli/backfill.ts', ['--state', state, ...flags]).finished

/** A system that has counted some events, is stopped, and into whose archive a file came after that. */
async function systemWithLateFile() {
  const folder = temporaryFolder()
  const state = join(folder, 'state')
  const system = await startSystem(state, ['--slot', '5s'])
  const file = writeEvents(join(folder, 'events.csv'), someEvents(EVENTS))
  await runProduce(['--data', file, '--state', state, '--limit', '0', '--delay', '0']).finished
  await eventually(system.health, ({ batch }) => batch.images === EVENTS)
  await system.interrupt()

  const archive = join(state, 'objects', 'archive')
  const slots = readdirSync(archive).flatMap(slot =>
    readdirSync(join(archive, slot)).map(name => `archive/${slot}/${name}`),
  )
  const { slot, lane } = parseArchiveKey(slots.sort()[0] as string) as { slot: number; lane: string }
  const key = archiveKey(slot, SLOT_MS, lane, '0', '0')
  const late = {
    event: imageEvent({}),
    origin: null,
    line: 0,
    lane,
    position: toPosition(0),
    arrivalMs: slot,
    late: false,
  }
  await openFolderObjectStore(join(state, 'objects')).put(key, encodeArchiveFile([late], fileName(key)))
  return { state, day: dayOf(slot) }
}

describe('a file that comes after its slot was counted', () => {
  it('is noticed, reported, and counted by npm run backfill', async () => {
    const { state, day } = await systemWithLateFile()
    const noticed = await runBatch(['--state', state]).finished
    expect(noticed).toMatchObject({ code: 0 })
    expect(noticed.stdout).toContain(`${EVENTS} images`)
    const explained = await runBatch(['--state', state, '--explain']).finished
    expect(explained.stdout).toMatch(
      /\nmissed +1 events that came after their slot was counted; npm run backfill counts them\n/,
    )
    expect(explained.stdout).toMatch(/\npart \d{4}-\d\d +200 images of /)

    const system = await startSystem(state)
    const { batch, reasons } = await system.health()
    expect(batch.missed).toBe(1)
    expect(reasons).toContainEqual(expect.stringContaining('npm run backfill'))

    const { code, stdout } = await backfill(state, '--from', day)
    expect(stdout).toMatch(new RegExp(`^view \\d+: ${EVENTS + 1} images, .*; 1 new in `))
    expect(code).toBe(0)
    expect(totalCount(await system.get('/api/batch/class-stats'))).toBe(EVENTS + 1)
    expect((await system.health()).batch.missed).toBe(0)
    const again = await backfill(state, '--from', day, '--to', day)
    expect(again.stdout).toContain('; 0 new in ')
  })
})

describe('npm run backfill', () => {
  it.each([
    [[], '--from DAY is missing'],
    [['--from', 'yesterday'], "--from: 'yesterday' is not a day: write it as 2026-11-22"],
    [['--from', '2026-02-30'], "--from: '2026-02-30' is not a day"],
    [['--from', '2026-02-03', '--to', '2026-02-02'], '--to 2026-02-02 is before --from 2026-02-03'],
  ])('refuses %j', async (flags, message) => {
    const { code, stderr } = await backfill(join(temporaryFolder(), 'state'), ...flags)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })
})
