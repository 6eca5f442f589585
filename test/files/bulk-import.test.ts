import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { listImports } from '../../functions/archive/imports.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import { type BulkImport, importSource } from '../../functions/files/bulk-import.ts'
import { findSources, nameOfContent, type Source } from '../../functions/files/sources.ts'
import { someEvents, writeEvents } from '../support/events-csv.ts'
import { CLASSES, NOON_MS } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function sourceOf(events: number) {
  const folder = temporaryFolder()
  const file = writeEvents(join(folder, 'events.csv'), someEvents(events))
  const objects = openFolderObjectStore(join(folder, 'objects'))
  const [source] = (await findSources(file)).sources
  const bulk: BulkImport = { objects, slotMs: HOUR_MS, classes: CLASSES, now: () => NOON_MS, onRejected: () => {} }
  return { file, objects, source: source as Source, bulk }
}

describe('a source', () => {
  it.each([
    [
      'is written to',
      (file: string) => appendFileSync(file, 'x,Forest,0.5,,2026-01-01T00:00:00Z\n'),
      'changed while it was read',
    ],
    ['vanishes', (file: string) => rmSync(file), 'cannot read'],
  ])('that %s while it is read is not imported', async (_, change, message) => {
    const { file, objects, source, bulk } = await sourceOf(1_000)
    const onRows = (rows: number) => {
      if (rows === 1_000) change(file)
    }
    await expect(importSource({ ...bulk, onRows }, source)).rejects.toThrow(message)
    expect(await listImports(objects)).toEqual([])
  })

  it('has a name that depends on its bytes only', async () => {
    const { file, source } = await sourceOf(10)
    const name = await nameOfContent(source)
    expect(name).toBe(createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 32))
    expect(await nameOfContent({ ...source, path: 'other', name: 'other' })).toBe(name)
    appendFileSync(file, '\n')
    expect(await nameOfContent(source)).not.toBe(name)
  })
})

describe('the sources in a folder', () => {
  const namesIn = async (...files: string[]) => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'deeper'))
    for (const file of files) writeFileSync(join(folder, file), '')
    return (await findSources(folder)).sources.map(({ path, files }) =>
      [path, ...files].map(each => each.slice(folder.length + 1)),
    )
  }

  it('are its CSV and Parquet files, one by one', async () => {
    expect(await namesIn('b.parquet', 'a.csv', 'images.csv', 'c.md', '.d.csv', '_e.parquet')).toEqual([
      ['a.csv', 'a.csv'],
      ['b.parquet', 'b.parquet'],
      ['images.csv', 'images.csv'],
    ])
  })

  it('are the four files that belong together as one source, and each Parquet file beside them', async () => {
    const four = ['images.csv', 'classes.csv', 'ndvi_stats.csv', 'spectral_data.csv']
    expect(await namesIn(...four, 'truth.csv', 'b.parquet')).toEqual([
      ['', ...four],
      ['b.parquet', 'b.parquet'],
    ])
  })
})
