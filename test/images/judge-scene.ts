import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { importEvents } from '../../functions/archive/imports.ts'
import { START } from '../../functions/core/lane.ts'
import { observeScene } from '../../functions/images/observe.ts'
import { publishScene } from '../../functions/images/output/publish.ts'
import { openScene } from '../../functions/images/scene/open-scene.ts'
import { planOfItem } from '../../functions/images/scene/stac-item.ts'
import { projectionOf } from '../../functions/images/sites/projection.ts'
import { openFile } from '../../functions/images/tiff/source.ts'
import { timeFromEpoch } from '../../functions/ingest/retry.ts'
import { wireEvent } from '../support/factories.ts'
import { writeRaster } from '../support/scenes.ts'

/**
 * Observes a small scene in all ways that a planted bug may change, and compares with what the documentation defines.
 * Says what differs, and ends with 1 then. test/images/planted.test.ts runs it.
 */

const SIDE = 6
const OFFSET = -0.1
const GRID = { epsg: 32629, transform: [10, 0, 300_000, 0, -10, 2_700_000] as const, width: SIDE, height: SIDE }
/** The site in pixels: a rectangle that covers parts of pixels. */
const SITE = { x0: 0.75, x1: 4, y0: 0, y1: 4.25 }
/** Sentinel-2's classes in pixels of 20 m: the cloud covers four pixels of the scene. */
const SCL = [4, 4, 4, 4, 9, 4, 4, 4, 4]
const RED = Array.from({ length: SIDE * SIDE }, (_, at) => 1500 + ((at * 37) % 11) * 90)
const NIR = Array.from({ length: SIDE * SIDE }, (_, at) => 3500 + ((at * 53) % 13) * 170)

const itemOf = (version: string) =>
  JSON.stringify({
    type: 'Feature',
    id: `scene-${version}`,
    properties: {
      platform: 'sentinel-2a',
      datetime: '2023-05-01T10:00:00Z',
      'grid:code': 'MGRS-29RKH',
      's2:processing_baseline': version,
    },
    assets: {
      red: { href: 'red.tif', 'eo:bands': [{ common_name: 'red' }] },
      nir: { href: 'nir.tif', 'eo:bands': [{ common_name: 'nir' }] },
      scl: { href: 'scl.tif' },
    },
  })

/** The statistics pixel by pixel, as docs/observe.md defines them. */
function defined() {
  const overlap = (from: number, to: number, at: number) => Math.max(0, Math.min(to, at + 1) - Math.max(from, at))
  const weighted: { weight: number; ndvi: number }[] = []
  let cloudy = 0
  for (let at = 0; at < SIDE * SIDE; at++) {
    const [x, y] = [at % SIDE, Math.floor(at / SIDE)]
    const weight = overlap(SITE.x0, SITE.x1, x) * overlap(SITE.y0, SITE.y1, y)
    const isCloudy = SCL[Math.floor(y / 2) * (SIDE / 2) + Math.floor(x / 2)] === 9
    if (isCloudy) cloudy += weight
    else {
      const [red, nir] = [RED, NIR].map(band => (band[at] as number) * 0.0001 + OFFSET) as [number, number]
      weighted.push({ weight, ndvi: (nir - red) / (nir + red) })
    }
  }
  const sum = (of: (each: { weight: number; ndvi: number }) => number) =>
    weighted.reduce((total, each) => total + each.weight * of(each), 0)
  const valid = sum(() => 1)
  const ndviMean = sum(({ ndvi }) => ndvi) / valid
  return { valid, cloudy, ndviMean, ndviStd: Math.sqrt(sum(({ ndvi }) => (ndvi - ndviMean) ** 2) / valid) }
}

async function measured(folder: string) {
  for (const [name, dn] of [
    ['red', RED],
    ['nir', NIR],
  ] as const) {
    writeRaster(folder, `${name}.tif`, { width: SIDE, height: SIDE, bands: [dn], nodata: '0' })
  }
  const half = SIDE / 2
  writeRaster(folder, 'scl.tif', { width: half, height: half, bands: [SCL], pixelSize: 20 }, { type: 'u8' })
  // The corners are turned into places by the grid's own numbers: 1 pixel is 10 m.
  const { toLonLat } = projectionOf(GRID, 'the scene')
  const { x0, x1, y0, y1 } = SITE
  const corners = [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ] as const
  const site = { id: 'a', className: 'Forest', polygons: [[corners.map(toLonLat)]] }
  const plan = planOfItem(itemOf('05.09'), 'item.json')
  const open = await openScene(plan, href => openFile(join(folder, href)))
  try {
    const { observations } = await observeScene(plan, open, [site], { rule: 'coverage', texture: false, minValid: 0 })
    const [seen] = observations
    return { valid: seen?.valid, cloudy: seen?.cloudy, ...seen?.statistics }
  } finally {
    await open.close()
  }
}

/** Number of events on the log after two processing versions of a scene were published. */
async function countedOfTwoVersions(folder: string): Promise<number> {
  const objects = openFolderObjectStore(join(folder, 'objects'))
  const log = openSqliteEventLog({ file: ':memory:' })
  for (const version of ['05.09', '05.11']) {
    const { identity, processingVersion } = planOfItem(itemOf(version), 'item.json')
    const events = [wireEvent({ image_id: `${identity}/a` })]
    await publishScene({ objects, log, time: timeFromEpoch() }, { identity, processingVersion, events })
  }
  const lanes = await log.lanes()
  const records = await Promise.all(lanes.map(({ name }) => log.read(name, START, 1_000)))
  await log.close()
  return records.flat().length
}

/** Number of events that an older processing version of a scene replaces. */
async function replacedByOlder(folder: string): Promise<number> {
  const objects = openFolderObjectStore(join(folder, 'replaced'))
  const log = openSqliteEventLog({ file: ':memory:' })
  let replaced = 0
  for (const version of ['05.11', '05.09']) {
    const { identity, processingVersion } = planOfItem(itemOf(version), 'item.json')
    const scene = { identity, processingVersion, events: [wireEvent({ image_id: `${identity}/a` })] }
    const ports = { objects, log, time: timeFromEpoch() }
    replaced += (await publishScene(ports, scene, { replace: { slotMs: 60_000, importEvents } })).replaced
  }
  await log.close()
  return replaced
}

const folder = mkdtempSync(join(tmpdir(), 'landcover-judge-'))
try {
  const found: Record<string, number | null | undefined> = await measured(folder)
  const differing = Object.entries(defined()).filter(
    ([name, value]) => !(Math.abs((found[name] ?? Number.NaN) - value) < 1e-6),
  )
  for (const [name, value] of differing) process.stdout.write(`${name} differs: ${found[name]} is not ${value}\n`)
  const counted = await countedOfTwoVersions(folder)
  if (counted !== 1) process.stdout.write(`two versions of a scene differ: they count ${counted} times\n`)
  const replaced = await replacedByOlder(folder)
  if (replaced > 0) process.stdout.write('versions of a scene differ: an older one replaces a newer one\n')
  process.exitCode = differing.length > 0 || counted !== 1 || replaced > 0 ? 1 : 0
} finally {
  rmSync(folder, { recursive: true })
}
