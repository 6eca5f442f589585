import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { progressLine, rowsRead } from '../../functions/cli/progress.ts'
import { readSource } from '../../functions/files/read-events.ts'
import { findSources } from '../../functions/files/sources.ts'
import { writeParquet } from '../../functions/parquet/write.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe('the progress line', () => {
  it('is a bar with the share of the file, and the rows', () => {
    expect(rowsRead(250, 0.25, 'a.csv')).toBe('[#####...............] 25%: 250 rows of a.csv')
    expect(rowsRead(1_000, 1, 'a.csv')).toBe(`[${'#'.repeat(20)}] 100%: 1000 rows of a.csv`)
  })

  it('has only the rows when the share is not known', () => {
    expect(rowsRead(250, Number.NaN, 'a.csv')).toBe('250 rows of a.csv')
  })

  it('shows a new step at once, and is not shown without a terminal', () => {
    for (const isTTY of [true, false]) {
      const written: string[] = []
      const progress = progressLine({
        isTTY,
        write: (text: string) => written.push(text),
      } as unknown as typeof process.stderr)
      progress.show('a row')
      progress.begin('counting')
      progress.begin('sorting')
      expect(written.map(text => text.replace('\r\x1b[2K', ''))).toEqual(isTTY ? ['a row', 'counting', 'sorting'] : [])
    }
  })
})

/** Texts that do not pack well, so that a packed file has many chunks, too. */
const ROWS = Array.from({ length: 30_000 }, (_, row) => createHash('sha256').update(String(row)).digest('hex'))
const LINES = ROWS.map(id => `${id},Forest,2024-06-11T08:00:00Z,0.42`)
const CSV = `image_id,class_name,timestamp,ndvi_mean\n${LINES.join('\n')}\n`
const OBJECTS = ROWS.map(image_id => ({
  image_id,
  class_name: 'Forest',
  timestamp: '2024-06-11T08:00:00Z',
  ndvi_mean: 0.42,
}))
const parquet = () => {
  const text = (name: 'image_id' | 'class_name' | 'timestamp') =>
    ({ name, type: 'STRING', of: (row: (typeof OBJECTS)[number]) => row[name] }) as const
  const rows = Array.from({ length: 5 }, () => OBJECTS).flat()
  const ndvi = { name: 'ndvi_mean', type: 'DOUBLE', of: () => 0.42 } as const
  return writeParquet([text('image_id'), text('class_name'), text('timestamp'), ndvi], rows)
}

describe('the share of a file that was read', () => {
  it.each([
    ['a.csv', () => CSV],
    ['a.csv.gz', () => gzipSync(CSV)],
    ['a.csv.zst', () => zstdCompressSync(CSV)],
    ['a.json', () => JSON.stringify(OBJECTS)],
    ['a.ndjson', () => OBJECTS.map(row => JSON.stringify(row)).join('\n')],
    ['a.parquet', parquet],
  ])('rises to all of %s', async (name, content) => {
    const path = join(temporaryFolder(), name)
    writeFileSync(path, content())
    const shares: number[] = []
    const { sources } = await findSources(path)
    for (const source of sources) {
      for await (const _ of readSource(source, { now: Date.now, onShare: share => void shares.push(share) }));
    }
    expect(shares.length).toBeGreaterThan(1)
    expect(shares[0]).toBeLessThan(0.9)
    expect(shares).toEqual(shares.toSorted((a, b) => a - b))
    expect(shares.at(-1)).toBe(1)
  })
})
