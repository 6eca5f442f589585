import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectionOf } from '../../functions/images/sites/projection.ts'
import { openState } from '../../functions/runtime/local/state.ts'
import { serveFolder } from '../support/file-server.ts'
import { eventually, run } from '../support/landcover.ts'
import { recordsOfLog } from '../support/log-content.ts'
import { writeRaster } from '../support/scenes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import type { TiffForm } from '../support/tiff.ts'

const SIDE = 20
const GRID = { epsg: 32629, transform: [10, 0, 300_000, 0, -10, 2_700_000] as const, width: SIDE, height: SIDE }

/** A folder with a scene, its item, and two fields: one of whole pixels inside, one outside. */
function sceneFolder(form: TiffForm = {}): string {
  const folder = temporaryFolder()
  const band = (dn: number) => Array.from({ length: SIDE * SIDE }, (_, at) => dn + (at % SIDE))
  for (const [name, dn] of [
    ['red', 1500],
    ['nir', 4500],
  ] as const) {
    writeRaster(folder, `${name}.tif`, { width: SIDE, height: SIDE, bands: [band(dn)], nodata: '0' }, form)
  }
  const asset = (name: string) => ({ href: `./${name}.tif`, type: 'image/tiff', 'eo:bands': [{ common_name: name }] })
  const properties = {
    platform: 'sentinel-2a',
    datetime: '2023-05-01T10:00:00Z',
    'grid:code': 'MGRS-29RKH',
    's2:processing_baseline': '05.09',
  }
  const item = { type: 'Feature', id: 'a-scene', properties, assets: { red: asset('red'), nir: asset('nir') } }
  writeFileSync(join(folder, 'item.json'), JSON.stringify(item))
  const { toLonLat } = projectionOf(GRID, 'the scene')
  const square = (id: string, from: number, to: number) => ({
    type: 'Feature',
    properties: { site_id: id, class_name: 'Forest' },
    geometry: {
      type: 'Polygon',
      coordinates: [
        [
          [from, from],
          [to, from],
          [to, to],
          [from, to],
          [from, from],
        ].map(([x, y]) => toLonLat([x as number, y as number])),
      ],
    },
  })
  const features = [square('inside', 5, 15), square('outside', -30, -20)]
  writeFileSync(join(folder, 'fields.geojson'), JSON.stringify({ type: 'FeatureCollection', features }))
  return folder
}

/** The same for a scene of the web, whose server runs in this process. */
function observeWeb(folder: string, ...flags: string[]) {
  return run('functions/cli/observe.ts', [...flags, '--sites', join(folder, 'fields.geojson')]).finished
}

function observe(folder: string, ...flags: string[]) {
  const script = join(import.meta.dirname, '../../functions/cli/observe.ts')
  return spawnSync(process.execPath, [script, ...flags], { cwd: folder, encoding: 'utf8' })
}

describe('npm run observe', () => {
  it('writes an event for each site that the scene shows, and reports what happened to the others', () => {
    const folder = sceneFolder()
    const { stdout, status } = observe(folder, 'item.json', '--sites', 'fields.geojson', '--out', 'events.csv')
    expect(stdout).toBe('observe: 2 sites, 1 events; 0 cloudy, 0 with nothing valid, 1 outside; wrote events.csv\n')
    expect(status).toBe(0)
    const [header, row, ...rest] = readFileSync(join(folder, 'events.csv'), 'utf8').split('\n')
    expect(header).toMatch(/^site_id,class_name,image_id,timestamp,ndvi_mean,.*,scene_id,processing_version$/)
    expect(row).toMatch(/^inside,Forest,sentinel-2a_20230501T100000Z_MGRS-29RKH\/inside,2023-05-01T10:00:00\.000Z,0\.7/)
    expect(row).toMatch(/,a-scene,05\.09$/)
    expect(rest).toEqual([''])
  })

  it('publishes each image once, even if the scene is observed again from another folder and in a newer version', async () => {
    const state = join(temporaryFolder(), 'state')
    await openState(state, { slotMs: 3_600_000, demo: false, createdMs: 1 })
    const publish = (folder: string) => observe(folder, 'item.json', '--sites', 'fields.geojson', '--state', state)
    const [first, again, newer] = [sceneFolder(), sceneFolder(), sceneFolder()]
    expect(publish(first)).toMatchObject({ status: 0, stdout: expect.stringContaining('1 outside; 1 published\n') })
    expect(publish(again)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('; 0 published; 1 were published before and stay as they are\n'),
    })
    const path = join(newer, 'item.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('05.09', '05.11'))
    expect(publish(newer).stdout).toContain('processing version 05.09, which stays: version 05.11 is not published')
    const lines = (await recordsOfLog(state)).flatMap(([, ...events]) => events.map(line => JSON.parse(line)))
    expect(lines).toMatchObject([{ site_id: 'inside', pixels: 100, valid_fraction: 1, processing_version: '05.09' }])
  })

  it('publishes scenes that are put into a watched folder, and skips those that cannot be observed', async () => {
    const state = join(temporaryFolder(), 'state')
    await openState(state, { slotMs: 3_600_000, demo: false, createdMs: 1 })
    const folder = sceneFolder()
    const flags = ['--watch', folder, '--sites', join(folder, 'fields.geojson'), '--state', state]
    const watching = run('functions/cli/observe.ts', flags)
    await eventually(
      async () => watching.stdout(),
      text => text.includes('1 outside; 1 published'),
    )
    mkdirSync(join(folder, 'bad'))
    writeFileSync(join(folder, 'bad', 'item.json'), '{}')
    await eventually(
      async () => watching.stderr(),
      text => text.includes('item.json is refused'),
    )
    watching.child.kill('SIGTERM')
    expect(await watching.finished).toMatchObject({ code: 0 })
    expect(await recordsOfLog(state)).toHaveLength(1)
    expect(observe(folder, '--watch', '.', '--out', 'events.csv').stderr).toMatch(/^--watch takes no --out/)
    expect(observe(folder, 'item.json', '--watch', '.').stderr).toMatch(/^--watch takes no 'item\.json'/)
  })

  it('publishes nothing of classes that the system does not know, and no chips', async () => {
    const state = join(temporaryFolder(), 'state')
    await openState(state, { slotMs: 3_600_000, demo: false, createdMs: 1 })
    const folder = sceneFolder()
    const path = join(folder, 'fields.geojson')
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('Forest', 'Moon'))
    const { stderr, status } = observe(folder, 'item.json', '--sites', 'fields.geojson', '--state', state)
    expect(stderr).toMatch(/does not know these classes: Moon\. .*nothing was published/)
    expect(status).toBe(1)
    expect(observe(folder, '.', '--state', state)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/give --out/),
    })
    expect(await recordsOfLog(state)).toEqual([])
  })

  it('gives the same bytes with an item and with flags, for every way to write the files', () => {
    const columns = (folder: string) =>
      readFileSync(join(folder, 'events.csv'), 'utf8')
        .split('\n')
        .map(line => line.split(',').slice(4, 17).join())
    const folder = sceneFolder()
    observe(folder, 'item.json', '--sites', 'fields.geojson', '--out', 'events.csv')
    const byItem = columns(folder)
    const other = sceneFolder({ blocks: { tile: 16 }, codec: 'lzw', isBigEndian: true, isBigTiff: true })
    const bands = ['--red', 'red.tif', '--nir', 'nir.tif:1', '--scale', '0.0001', '--offset=-0.1']
    const when = ['--timestamp', '2023-05-01T10:00:00Z']
    observe(other, ...bands, ...when, '--sites', 'fields.geojson', '--out', 'events.csv')
    expect(columns(other)).toEqual(byItem)
  })

  it('takes a band that is not in the item from a flag', () => {
    const folder = sceneFolder()
    const path = join(folder, 'item.json')
    const { assets, ...item } = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, JSON.stringify({ ...item, assets: { nir: assets.nir } }))
    const flags = ['item.json', '--sites', 'fields.geojson', '--out', 'events.csv']
    expect(observe(folder, ...flags).stderr).toMatch(/no GeoTIFF asset is the red band; .*Give --red FILE, --scale/)
    const { stdout } = observe(folder, ...flags, '--red', 'red.tif', '--scale', '0.0001', '--offset=-0.1')
    expect(stdout).toContain('2 sites, 1 events')
  })

  it('explains which scale, offset and mask it takes, and why', () => {
    const { stdout, status } = observe(sceneFolder(), 'item.json', '--sites', 'fields.geojson', '--explain')
    expect(status).toBe(0)
    expect(stdout).toContain('scale 0.0001 (Sentinel-2), offset -0.1 (baseline 05.09')
    expect(stdout).toContain('every pixel with data counts')
  })

  it('observes chips by the folders that name their classes, and continues after a broken one', () => {
    const folder = temporaryFolder()
    const chip = (red: number) => ({
      width: 8,
      height: 8,
      bands: Array.from({ length: 13 }, (_, band) => new Array(64).fill(band === 3 ? red : band === 7 ? 3000 : 100)),
    })
    for (const name of ['Forest', 'Pasture']) mkdirSync(join(folder, 'chips', name), { recursive: true })
    writeRaster(folder, 'chips/Forest/a.tif', chip(1000))
    writeRaster(folder, 'chips/Pasture/b.tif', chip(2000))
    writeFileSync(join(folder, 'chips/Forest/broken.tif'), 'no image')
    const { stdout, stderr, status } = observe(folder, 'chips', '--out', 'events.csv', '--texture')
    expect(stdout).toContain('observe: 3 chips, 2 events; ')
    expect(stdout).toContain('1 refused; the time when they were taken is unknown (--timestamp)')
    expect(stderr).toMatch(/broken\.tif: /)
    expect(status).toBe(1)
    const [header, ...rows] = readFileSync(join(folder, 'events.csv'), 'utf8').trim().split('\n')
    expect(header).toMatch(/^site_id,class_name,image_id,ndvi_mean,.*,texture_entropy$/)
    expect(rows.map(row => row.split(',').slice(0, 4))).toEqual([
      ['', 'Forest', 'a', '0.5'],
      ['', 'Pasture', 'b', '0.2'],
    ])
  })

  it('observes a scene by the classes of a map, in cells', () => {
    const folder = sceneFolder()
    const codes = Array.from({ length: SIDE * SIDE }, (_, at) => (at < 200 ? 10 : 80))
    writeRaster(folder, 'map.tif', { width: SIDE, height: SIDE, bands: [codes] }, { type: 'u8' })
    const flags = ['--classes-raster', 'map.tif', '--legend', 'worldcover', '--cell', '200', '--out', 'events.geojson']
    const { stdout, status } = observe(folder, 'item.json', ...flags)
    expect(stdout).toContain('observe: 2 classes in cells, 2 events; ')
    expect(status).toBe(0)
    const { features } = JSON.parse(readFileSync(join(folder, 'events.geojson'), 'utf8'))
    expect(features).toMatchObject([
      { properties: { class_name: 'Tree cover', site_id: 'MGRS-29RKH-200-x0-y0', pixels: 200 } },
      { properties: { class_name: 'Permanent water bodies', pixels: 200 }, geometry: { type: 'Point' } },
    ])
  })

  it.each([
    ['that are placed', false],
    ['without a georeference', true],
  ])('refuses a damaged band even if no site lies in it, of files %s', (_, isUnplaced) => {
    const folder = sceneFolder()
    const raster = { width: SIDE, height: SIDE, bands: [new Array(SIDE * SIDE).fill(1)], isUnplaced }
    const path = writeRaster(folder, 'nir.tif', raster, { codec: 'deflate' })
    const bytes = readFileSync(path)
    bytes.fill(7, 8, 12)
    writeFileSync(path, bytes)
    writeRaster(folder, 'red.tif', raster)
    const fields = JSON.parse(readFileSync(join(folder, 'fields.geojson'), 'utf8'))
    writeFileSync(join(folder, 'far.geojson'), JSON.stringify({ ...fields, features: [fields.features[1]] }))
    const bands = ['--red', 'red.tif', '--nir', 'nir.tif', '--scale', '1', '--offset', '0']
    const flags = [...bands, '--timestamp', '2023-05-01T10:00:00Z', '--sites', 'far.geojson', '--out', 'events.csv']
    const { stderr, status } = observe(folder, ...flags)
    expect(stderr).toMatch(/nir\.tif: block 0, 0 cannot be decoded/)
    expect(status).toBe(1)
  })

  it('requires cells of whole pixels', () => {
    const folder = sceneFolder()
    const flags = ['--classes-raster', 'red.tif', '--legend', 'worldcover', '--cell', '35', '--out', 'events.csv']
    expect(observe(folder, 'item.json', ...flags).stderr).toMatch(
      /--cell 35 is not a multiple .* pixels of 10; give 40/,
    )
  })

  it.each<[string, string[], RegExp, number]>([
    [
      'sites',
      ['item.json', '--out', 'events.csv'],
      /needs --sites FILE, --classes-raster FILE or stored sites, and those cannot be read: /,
      2,
    ],
    ['a known form', ['item.json', '--sites', 'fields.geojson', '--out', 'events.xls'], /events\.xls: --out writes/, 1],
    ['a scene', ['--sites', 'fields.geojson', '--out', 'events.csv'], /give an item, or --red/, 1],
    [
      'a scale',
      [
        '--red',
        'red.tif',
        '--nir',
        'nir.tif',
        '--timestamp',
        '2023-05-01T10:00:00Z',
        '--sites',
        'fields.geojson',
        '--out',
        'e.csv',
      ],
      /red\.tif: .*give --scale and --offset/,
      1,
    ],
  ])('asks for %s', (_, flags, message, status) => {
    const outcome = observe(sceneFolder(), ...flags)
    expect(outcome.stderr).toMatch(message)
    expect(outcome.status).toBe(status)
  })

  it('writes the same bytes for a scene of the web as for its files', async () => {
    const folder = sceneFolder()
    observe(folder, 'item.json', '--sites', 'fields.geojson', '--out', 'files.csv')
    const { url, requests } = await serveFolder(folder)
    const out = join(folder, 'web.csv')
    const { code, stderr } = await observeWeb(folder, `${url}item.json`, '--out', out)
    expect([stderr, code]).toEqual(['', 0])
    expect(readFileSync(out, 'utf8')).toBe(readFileSync(join(folder, 'files.csv'), 'utf8'))
    expect(new Set(requests.map(({ path }) => path))).toEqual(new Set(['/item.json', '/red.tif', '/nir.tif']))
  })

  it('sends requests only to hosts that are allowed', async () => {
    const folder = sceneFolder()
    const { url, requests } = await serveFolder(folder)
    const item = readFileSync(join(folder, 'item.json'), 'utf8')
    const elsewhere = temporaryFolder()
    writeFileSync(join(elsewhere, 'item.json'), item.replaceAll('./', url))
    const flags = [join(elsewhere, 'item.json'), '--out', join(elsewhere, 'events.csv')]
    expect(await observeWeb(folder, ...flags)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('give --image-host 127.0.0.1'),
    })
    expect(requests).toEqual([])
    expect(await observeWeb(folder, ...flags, '--image-host', '127.0.0.1')).toMatchObject({ code: 0, stderr: '' })
  })
})
