import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { rowsRead } from '../../functions/cli/progress.ts'
import { rowsOf } from '../../functions/files/row-count.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

it('the progress of an import is a bar with the rows of the file', () => {
  expect(rowsRead(250, 1_000, 'a.csv')).toBe('[#####...............] 25%: 250 of about 1000 rows of a.csv')
  expect(rowsRead(1_000, 1_000, 'a.csv')).toBe(`[${'#'.repeat(20)}] 100%: 1000 of about 1000 rows of a.csv`)
})

it('the progress says only the rows where their number is not known, or was wrong', () => {
  expect(rowsRead(250, null, 'a.csv')).toBe('250 rows of a.csv')
  expect(rowsRead(250, 200, 'a.csv')).toBe('250 rows of a.csv')
})

it('the rows of plain texts are counted by their lines, and others are not', async () => {
  const folder = temporaryFolder()
  const put = (name: string, bytes: string | Uint8Array) => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }
  const text = `a,b\n${'1,2\n'.repeat(5)}`
  const source = (...files: string[]) => ({ path: folder, name: 'some', files, pathColumns: {} })
  const [first, second] = [put('a.csv', text), put('b.csv', text)]
  expect(await rowsOf(source(first))).toBe(5)
  expect(await rowsOf(source(first, second))).toBe(10)
  expect(await rowsOf(source(put('a.csv.gz', gzipSync(text))))).toBeNull()
  expect(await rowsOf(source(put('a.json', '[{"a":1},{"a":2}]')))).toBeNull()
  expect(await rowsOf(source(join(folder, 'missing.csv')))).toBeNull()
})
