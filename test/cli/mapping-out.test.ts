import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { emptyState } from '../support/imported.ts'
import { run } from '../support/landcover.ts'
import { csv, HEADER, ROW } from '../support/read-files.ts'

async function openFolder() {
  const { folder: parent, state } = await emptyState()
  const folder = join(parent, 'data')
  mkdirSync(folder)
  const out = join(parent, 'my.json')
  const dryRunOf = (name: string, ...args: string[]) =>
    run('functions/cli/import.ts', ['--state', state, '--data', join(folder, name), '--dry-run', ...args]).finished
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text)
  return { state, folder, out, dryRunOf, put }
}

it('a dry run writes the mapping that it found; with it, the file is read without recognition', async () => {
  const { out, dryRunOf, put } = await openFolder()
  put('a.csv', csv('site,LC,date,NDVI,extra', '7,Forest,2024-06-11,5000,1', '8,River,2024-06-12,2000,1'))
  const given = ['--column', 'class_name=LC', '--image-id', '{site}_{date}', '--scale', '0.0001']
  const first = await dryRunOf('a.csv', ...given, '--mapping-out', out)
  expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining(`the mapping is in ${out}`) })
  expect(first.stderr).toContain('timestamp = ')
  const written = JSON.parse(readFileSync(out, 'utf8'))
  expect(written).toEqual({
    columns: { ndvi_mean: 'NDVI', timestamp: 'date', class_name: 'LC', site_id: 'site' },
    constants: { image_id: '{site}_{date}' },
    scale: { ndvi: 0.0001 },
  })
  const again = await dryRunOf('a.csv', '--mapping', out)
  expect(again).toMatchObject({ code: 0, stdout: first.stdout })
  expect(again.stderr).not.toContain('timestamp = ')
})

it('a dry run overwrites no file, and says where files have different mappings', async () => {
  const { folder, out, dryRunOf, put } = await openFolder()
  put('a.csv', csv(HEADER, ROW))
  put('b.csv', csv('image_id,class,date,ndvi', 'z,Forest,2024-06-11,0.5'))
  const both = await dryRunOf('.', '--mapping-out', out)
  expect(both).toMatchObject({ code: 0, stderr: expect.stringContaining('the files have 2 different mappings') })
  const before = readFileSync(out, 'utf8')
  const again = await dryRunOf('a.csv', '--mapping-out', out)
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('exists already') })
  expect(readFileSync(out, 'utf8')).toBe(before)
  const missing = await dryRunOf('a.csv', '--mapping-out', join(folder, 'nowhere', 'my.json'))
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be written') })
})

it('only a dry run writes a mapping', async () => {
  const { state, folder, out, put } = await openFolder()
  put('a.csv', csv(HEADER, ROW))
  const args = ['--state', state, '--data', join(folder, 'a.csv'), '--mapping-out', out]
  const refused = await run('functions/cli/import.ts', args).finished
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--mapping-out goes with --dry-run') })
  expect(existsSync(out)).toBe(false)
})
