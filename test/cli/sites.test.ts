import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { projectionOf } from '../../functions/images/sites/projection.ts'
import { sitesReader, sitesToGeoJson } from '../../functions/images/sites/stored-sites.ts'
import { openState } from '../../functions/runtime/local/state.ts'
import { siteAt } from '../support/factories.ts'
import { writeRaster } from '../support/scenes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

function command(name: 'sites' | 'observe', folder: string, ...flags: string[]) {
  const script = join(import.meta.dirname, `../../functions/cli/${name}.ts`)
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...flags], { cwd: folder, encoding: 'utf8' })
  return { status, stdout, stderr }
}

async function stateIn(folder: string): Promise<string[]> {
  await openState(join(folder, 'state'), { slotMs: 3_600_000, demo: false, createdMs: 1 })
  return ['--state', 'state']
}

it('npm run sites imports, lists and exports versions, and says which classes are unknown', async () => {
  const folder = temporaryFolder()
  const state = await stateIn(folder)
  expect(command('sites', folder, 'list', ...state)).toMatchObject({ status: 0, stdout: 'no sites are stored\n' })
  expect(command('sites', folder, 'export', ...state)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^no sites/),
  })
  const fields = [siteAt('a', 13, 52), siteAt('b', 14, 52, { className: 'Moon' })]
  const named = JSON.parse(sitesToGeoJson(fields))
  for (const feature of named.features) feature.properties = { plot: feature.id, crop: feature.properties.class_name }
  writeFileSync(join(folder, 'fields.geojson'), JSON.stringify(named))
  const imported = command(
    'sites',
    folder,
    'import',
    'fields.geojson',
    '--site-id',
    'plot',
    '--class',
    'crop',
    ...state,
  )
  expect(imported).toEqual({
    status: 0,
    stdout: 'sites: version 1 has 2 sites; the system does not know these classes yet: Moon\n',
    stderr: '',
  })
  writeFileSync(join(folder, 'fewer.geojson'), sitesToGeoJson(fields.slice(0, 1)))
  expect(command('sites', folder, 'import', 'fewer.geojson', ...state).stdout).toBe('sites: version 2 has 1 sites\n')
  expect(command('sites', folder, 'import', 'fewer.geojson', ...state).stdout).toBe(
    'sites: version 2 has the same sites\n',
  )
  expect(command('sites', folder, 'list', ...state).stdout).toMatch(
    /^version 1: 2 sites, imported \S+Z from fields\.geojson\nversion 2: 1 sites, imported \S+Z from fewer\.geojson\n$/,
  )
  expect(command('sites', folder, 'export', ...state).stdout).toBe(sitesToGeoJson(fields.slice(0, 1)))
  command('sites', folder, 'export', '--version', '1', '--out', 'out.geojson', ...state)
  expect(readFileSync(join(folder, 'out.geojson'), 'utf8')).toBe(sitesToGeoJson(fields))
  expect((await sitesReader(openFolderObjectStore(join(folder, 'state/objects')))())?.version.version).toBe(2)
})

it.each([
  [[], /say what to do: import FILE, list, or export/],
  [['import'], /import takes a file/],
  [['list', 'fields.geojson'], /'fields\.geojson' is one argument too many/],
  [['import', 'a', 'b'], /'b' is one argument too many/],
])('npm run sites refuses %j', (flags, message) => {
  expect(command('sites', temporaryFolder(), ...flags)).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(message),
  })
})

it('npm run observe takes the newest stored sites when it gets none', async () => {
  const folder = temporaryFolder()
  const state = await stateIn(folder)
  for (const name of ['red', 'nir']) {
    const band = new Array(400).fill(name === 'red' ? 1500 : 4500)
    writeRaster(folder, `${name}.tif`, { width: 20, height: 20, bands: [band] })
  }
  const bands = ['--red', 'red.tif', '--nir', 'nir.tif', '--scale', '1', '--offset', '0']
  const flags = [...bands, '--timestamp', '2023-05-01T10:00:00Z', '--out', 'events.csv', ...state]
  const none = command('observe', folder, ...flags)
  expect(none).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('none are stored yet: npm run sites -- import'),
  })
  const grid = { epsg: 32629, transform: [10, 0, 300_000, 0, -10, 2_700_000] as const, width: 20, height: 20 }
  const [lon, lat] = projectionOf(grid, 'the scene').toLonLat([5, 15])
  writeFileSync(join(folder, 'fields.geojson'), sitesToGeoJson([siteAt('mine', lon, lat, { side: 0.0005 })]))
  command('sites', folder, 'import', 'fields.geojson', ...state)
  const { status, stdout } = command('observe', folder, ...flags)
  expect(stdout).toMatch(/^observe: 1 sites of stored version 1, 1 events; /)
  expect(status).toBe(0)
  expect(readFileSync(join(folder, 'events.csv'), 'utf8')).toMatch(/\nmine,Forest,.*,0\.5,/)
})
