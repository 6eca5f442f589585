import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import type { WireEvent } from '../../functions/core/event.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { importSource } from '../../functions/files/bulk-import.ts'
import { findSources, type Source } from '../../functions/files/sources.ts'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { copyToParquet } from '../support/events-parquet.ts'
import { counted, emptyState } from '../support/imported.ts'
import { eventually, run, runBatch, runProduce, startSystem, totalCount } from '../support/landcover.ts'
import { byClass, recount } from '../support/recount.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SAMPLE = fileURLToPath(new URL('../../data/sample', import.meta.url))

const runImport = (data: string, state: string) => run('functions/cli/import.ts', ['--data', data, '--state', state])

const markers = (state: string) => {
  const folder = join(state, 'objects', 'imports')
  return existsSync(folder) ? readdirSync(folder) : []
}

/**
 * Imports a file into an empty state, and kills it when the archive has some of its files. On a busy machine it may be
 * over before the test sees the first: then it is done again.
 */
async function killedInTheMiddle(file: string, archiveFiles: number) {
  for (;;) {
    const { state } = await emptyState()
    const archive = join(state, 'objects', 'archive', 'arrival_slot=2025-01-01T00-00')
    const archived = () => (existsSync(archive) ? readdirSync(archive).filter(name => name.endsWith('.parquet')) : [])
    const killed = runImport(file, state)
    await eventually(
      async () => archived().length,
      files => files > 0,
    )
    killed.child.kill('SIGKILL')
    const { signal } = await killed.finished
    if (archived().length >= archiveFiles) continue
    expect(signal).toBe('SIGKILL')
    return { state, archived }
  }
}

/** Events with all fields, of which some are not measured. */
function fullEvents(count: number): WireEvent[] {
  return someEvents(count).map((event, index) => ({
    ...event,
    ndvi_std: index % 5 === 0 ? null : (index % 900) / 1e3,
    ndvi_min: index % 3 === 0 ? null : -1 + (index % 7) / 1e6,
    ndvi_max: index % 4 === 0 ? null : 1 - (index % 11) / 1e6,
    vegetation_index: (index % 200) / 2 - 50,
    red_mean: index % 2 === 0 ? null : 812.345 + index,
    green_mean: 0.001 * index,
    blue_mean: null,
    brightness_mean: 1234.5,
  }))
}

const TYPES = {
  image_id: 'VARCHAR',
  class_name: 'VARCHAR',
  ndvi_mean: 'DOUBLE',
  ndvi_std: 'DOUBLE',
  ndvi_min: 'DOUBLE',
  ndvi_max: 'DOUBLE',
  vegetation_index: 'DOUBLE',
  red_mean: 'DOUBLE',
  green_mean: 'DOUBLE',
  blue_mean: 'DOUBLE',
  nir_mean: 'DOUBLE',
  brightness_mean: 'DOUBLE',
} as const

/** Writes events with all their fields as Parquet. @param timestamps their type in it */
async function writeParquet(
  file: string,
  events: readonly WireEvent[],
  timestamps: 'VARCHAR' | 'TIMESTAMP' | 'TIMESTAMPTZ',
  ...options: string[]
): Promise<string> {
  const json = join(temporaryFolder(), 'events.ndjson')
  writeFileSync(json, events.map(event => JSON.stringify(event)).join('\n'))
  const columns = Object.entries({ ...TYPES, timestamp: 'VARCHAR' }).map(([name, type]) => `${name}: '${type}'`)
  const rows = `read_json('${json}', format = 'newline_delimited', columns = {${columns.join()}})`
  return copyToParquet(
    `SELECT * REPLACE (CAST(timestamp AS ${timestamps}) AS timestamp) FROM ${rows}`,
    file,
    ...options,
  )
}

describe('npm run import', () => {
  it('counts a CSV at once, and the same bytes never again, under any name', async () => {
    const { folder, state } = await emptyState()
    const events = someEvents(2_000)
    const file = writeEvents(join(folder, 'events.csv'), events)
    const first = await runImport(file, state).finished
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(
      /^import: 2000 events of 1 file in \d+\.\d s, 0 rejected; view 1 counts 2000 images\n$/,
    )
    expect(await counted(state)).toEqual(recount(events, byClass))

    const renamed = join(folder, 'other.csv')
    copyFileSync(file, renamed)
    for (const again of [file, renamed]) {
      const { code, stdout, stderr } = await runImport(again, state).finished
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(
        /^import: 0 events of 0 files in \d+\.\d s, 0 rejected; 1 file imported before; view 1 counts 2000 images\n$/,
      )
    }
    expect(markers(state)).toHaveLength(1)
  })

  it.each([
    ['snappy', 'VARCHAR'],
    ['zstd', 'TIMESTAMP'],
    ['gzip', 'TIMESTAMPTZ'],
    ['uncompressed', 'TIMESTAMP'],
  ] as const)('counts Parquet, compressed as %s, with timestamps as %s', async (codec, timestamps) => {
    const { folder, state } = await emptyState()
    const events = fullEvents(5_000)
    const file = join(folder, 'events.parquet')
    await writeParquet(file, events, timestamps, `CODEC ${codec}`, 'ROW_GROUP_SIZE 2048')
    const { code, stdout, stderr } = await runImport(file, state).finished
    expect(stdout + stderr).toMatch(/^import: 5000 events of 1 file in .* 0 rejected; view 1 counts 5000 images\n$/)
    expect(code).toBe(0)
    expect(await counted(state)).toEqual(recount(events, byClass))
  })

  it('takes the files of a folder one by one, and imports the others when one is broken', async () => {
    const { folder, state } = await emptyState()
    const data = join(folder, 'history')
    mkdirSync(data)
    const events = fullEvents(900)
    writeEvents(join(data, '2019.csv'), someEvents(300))
    await writeParquet(join(data, '2020.parquet'), events.slice(300, 600), 'TIMESTAMP', 'CODEC zstd')
    await writeParquet(join(data, '2021.PARQUET'), events.slice(600), 'VARCHAR')
    for (const ignored of ['_SUCCESS', '._2019.csv', 'notes.md']) writeFileSync(join(data, ignored), 'not ours')
    writeFileSync(join(data, '2022.parquet'), 'PAR1 and then nothing')
    writeFileSync(join(data, '2023.csv'), 'image_id,class_name,timestamp\na,Forest,2026-01-01\n')
    const { code, stdout, stderr } = await runImport(data, state).finished
    expect(stderr.split('\n')).toEqual([
      `not read: ${data}/notes.md has no name of a table, such as .csv, .json or .parquet`,
      expect.stringMatching(/^cannot read \S+2022\.parquet as Parquet: /),
      expect.stringMatching(/^2023\.csv, row 1: no column ndvi_mean; /),
      '',
    ])
    expect(stdout).toMatch(
      /^import: 900 events of 3 files in .* 0 rejected; 2 files not imported; 1 file not read; view 1 counts 900 images\n$/,
    )
    expect(code).toBe(1)
    expect(await counted(state)).toEqual(recount([...someEvents(300), ...events.slice(300)], byClass))
  })

  it('takes the folder of four files that npm run produce takes', async () => {
    const { state } = await emptyState()
    const { code, stdout } = await runImport(SAMPLE, state).finished
    expect(stdout).toMatch(
      /^import: \d+ events of 4 files in .* 0 rejected; 1 file not read; view 1 counts \d+ images\n$/,
    )
    expect(code).toBe(0)
    expect((await runImport(SAMPLE, state).finished).stdout).toContain(
      '; 4 files imported before; 1 file not read; view 1 counts',
    )
  })

  it('appears at once in a running system, joined with what the system counts', async () => {
    const folder = temporaryFolder()
    const state = join(folder, 'state')
    const system = await startSystem(state)
    const events = someEvents(1_000)
    const streamed = writeEvents(join(folder, 'streamed.csv'), events.slice(0, 100))
    await runProduce(['--data', streamed, '--state', state, '--limit', '0', '--delay', '0']).finished
    await eventually(system.classStats, rows => totalCount(rows) === 100)
    const history = writeEvents(join(folder, 'history.csv'), events.slice(100))
    const runs = await Promise.all([history, history].map(data => runImport(data, state).finished))
    for (const { code, stdout } of runs) {
      expect(code).toBe(0)
      expect(stdout).toMatch(/; view 1 counts 900 images\n$/)
    }
    const rows = await system.classStats()
    const expected = recount(events, byClass)
    expect(rows.map(({ class_name, count }) => [class_name, count])).toEqual(
      [...expected].map(([name, { count }]) => [name, count]).sort(),
    )
    expect(totalCount(await system.get('/api/batch/class-stats'))).toBe(900)
  })
})

describe('npm run import reports rows that it leaves out', () => {
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString()

  it('by file, row and reason, and imports the others', async () => {
    const { folder, state } = await emptyState()
    const data = join(folder, 'history')
    mkdirSync(data)
    const rows = [
      'a,Forest,0.5,2026-01-01T00:00:00Z',
      'b,Wetland,0.5,2026-01-01T00:00:00Z',
      'c,Forest,1.5,2026-01-01T00:00:00Z',
      `d,Forest,0.5,${tomorrow}`,
      'e,Forest',
      'f,River,0.25,2026-01-01T00:00:00Z',
    ]
    writeFileSync(join(data, 'a.csv'), `image_id,class_name,ndvi_mean,timestamp\n${rows.join('\n')}\n`)
    const good = fullEvents(6)
    const bad = [{ ...good[1], class_name: 'Swamp' }, { ...good[3], ndvi_mean: null }, good[5]] as WireEvent[]
    const events = [good[0], bad[0], good[2], bad[1], good[4], { ...good[5], timestamp: tomorrow }] as WireEvent[]
    await writeParquet(join(data, 'b.parquet'), events, 'TIMESTAMP')
    const { code, stdout, stderr } = await runImport(data, state).finished
    expect(stderr.split('\n').map(line => line.slice(0, 70))).toEqual([
      expect.stringMatching(/^a\.csv, row 3, column class_name: "Wetland" is not one of the known/),
      expect.stringMatching(/^a\.csv, row 4, column ndvi_mean: ndvi_mean must lie between -1 and 1/),
      expect.stringMatching(/^a\.csv, row 5, column timestamp: timestamp lies more than 10 minutes/),
      expect.stringMatching(/^a\.csv, row 6: the row has 2 cells, the header 4/),
      expect.stringMatching(/^b\.parquet, row 2, column class_name: "Swamp" is not one of the known/),
      expect.stringMatching(/^b\.parquet, row 4, column ndvi_mean: ndvi_mean is missing/),
      expect.stringMatching(/^b\.parquet, row 6, column timestamp: timestamp lies more than 10 min/),
      expect.stringMatching(/^An imported file is not read again/),
      '',
    ])
    expect(stdout).toMatch(
      /^import: 5 events of 2 files in .*, 7 rejected \(2 unknown-class, 5 invalid-event\); view 1 counts 5 images\n$/,
    )
    expect(code).toBe(1)
    const ofCsv = [
      { image_id: 'a', class_name: 'Forest', ndvi_mean: 0.5, timestamp: '' },
      { image_id: 'f', class_name: 'River', ndvi_mean: 0.25, timestamp: '' },
    ]
    const ofParquet = [good[0], good[2], good[4]] as WireEvent[]
    expect(await counted(state)).toEqual(recount([...ofCsv, ...ofParquet], byClass))
  })

  it('twenty times for each reason, and counts the rest', async () => {
    const { folder, state } = await emptyState()
    const events = someEvents(100).map((event, index) =>
      index % 2 ? { ...event, class_name: 'Wetland' } : { ...event, ndvi_mean: index < 60 ? 2 : 0 },
    )
    const { stdout, stderr } = await runImport(writeEvents(join(folder, 'events.csv'), events), state).finished
    const lines = stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(43)
    expect(lines.slice(40, 42).sort()).toEqual(['… and 10 more invalid-event', '… and 30 more unknown-class'])
    expect(stdout).toContain('80 rejected (30 invalid-event, 50 unknown-class)')
  })

  it('and takes a file later when no row was valid at first', async () => {
    const { folder, state } = await emptyState()
    const file = writeEvents(
      join(folder, 'events.csv'),
      someEvents(30).map(event => ({ ...event, class_name: 'Wetland' })),
    )
    const refused = await runImport(file, state).finished
    expect(refused.stdout).toMatch(/^import: 0 events of 0 files in .*, 30 rejected .*; there is no view yet\n$/)
    expect(refused.code).toBe(1)
    const classes = join(folder, 'classes.csv')
    writeFileSync(classes, 'class_name\nWetland\n')
    await (await startSystem(state, ['--classes', classes])).interrupt()
    expect((await runImport(file, state).finished).stdout).toContain('0 rejected; view 1 counts 30 images')
  })
})

describe('npm run import is done completely or not at all', () => {
  it('also when killed in the middle, and a rerun completes it', async () => {
    const events = someEvents(220_000)
    const file = writeEvents(join(temporaryFolder(), 'events.csv'), events)
    const { state, archived } = await killedInTheMiddle(file, 3)
    expect(markers(state)).toEqual([])
    expect((await runBatch(['--state', state]).finished).stdout).toMatch(/^nothing to count yet/)

    const { code, stdout } = await runImport(file, state).finished
    expect(stdout).toMatch(/^import: 220000 events of 1 file in .* 0 rejected; view 1 counts 220000 images\n$/)
    expect(code).toBe(0)
    expect(archived()).toHaveLength(3)
    expect(await counted(state)).toEqual(recount(events, byClass))
  })

  it('also when a file breaks off in the middle', async () => {
    const { folder, state } = await emptyState()
    const file = writeEvents(join(folder, 'events.csv'), someEvents(100))
    writeFileSync(file, 'image-x,"Forest,0.5,,\n', { flag: 'a' })
    const { code, stdout, stderr } = await runImport(file, state).finished
    expect(stderr).toMatch(/^events\.csv, row 102: the row opens a quote that is never closed/)
    expect(stdout).toMatch(/^import: 0 events of 0 files in .*; 1 file not imported; there is no view yet\n$/)
    expect(code).toBe(1)
    expect(markers(state)).toEqual([])
  })

  it('and an import that was made, but not counted, is counted by the next run', async () => {
    const { folder, state } = await emptyState()
    const file = writeEvents(join(folder, 'events.csv'), someEvents(3_000))
    const [source] = (await findSources(file)).sources
    const imported = await importSource(
      {
        objects: openFolderObjectStore(join(state, 'objects')),
        slotMs: HOUR_MS,
        classes: new Map(someEvents(10).map(event => [event.class_name, 0])),
        now: Date.now,
        onRejected: () => {},
      },
      source as Source,
    )
    expect(imported.events).toBe(3_000)
    const { stdout } = await runImport(file, state).finished
    expect(stdout).toMatch(/1 file imported before; view 1 counts 3000 images\n$/)
  })
})

describe('npm run import names what is wrong', () => {
  it('files that are not there, or hold nothing to import', async () => {
    const { folder, state } = await emptyState()
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    for (const [data, message] of [
      [
        join(folder, 'nothing.csv'),
        `cannot read ${folder}/nothing.csv: give a CSV, JSON or Parquet file, or a folder of them`,
      ],
      [empty, `${empty} has no files *.csv, *.json or *.parquet`],
    ] as const) {
      const { code, stdout, stderr } = await runImport(data, state).finished
      expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: `${message}\n` })
    }
  })

  it('a state that is not there', async () => {
    const folder = temporaryFolder()
    const file = writeEvents(join(folder, 'events.csv'), someEvents(1))
    const { code, stderr } = await runImport(file, join(folder, 'state')).finished
    expect(stderr).toBe(`there is no landcover state in ${folder}/state: npm start makes one\n`)
    expect(code).toBe(1)
  })

  it('a command line without data', async () => {
    const { code, stderr } = await run('functions/cli/import.ts', []).finished
    expect(stderr).toBe('--data takes a CSV, JSON or Parquet file, or a folder of them\nSee --help.\n')
    expect(code).toBe(2)
  })
})
