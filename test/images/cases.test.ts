import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { observeChip } from '../../functions/images/chips/observe-chips.ts'
import { observeCells } from '../../functions/images/classes/observe-cells.ts'
import { observeScene } from '../../functions/images/observe.ts'
import { emptySummary, fractionOf } from '../../functions/images/output/rows.ts'
import { planOfFlags, planWithFlags, type SceneFlags } from '../../functions/images/scene/flags.ts'
import { openFilesOf } from '../../functions/images/scene/item-source.ts'
import { openScene } from '../../functions/images/scene/open-scene.ts'
import { planOfItem } from '../../functions/images/scene/stac-item.ts'
import { readSites } from '../../functions/images/sites/read-sites.ts'
import { openRaster } from '../../functions/images/tiff/raster.ts'
import { openFile } from '../../functions/images/tiff/source.ts'
import type { Rule } from '../../functions/images/zonal/observe-sites.ts'
import { casesWith, has, pathOf } from '../support/image-cases.ts'
import { readAll } from '../support/scenes.ts'

interface SceneCase {
  bands: Record<'red' | 'nir', { file: string; band?: number; scale: number; offset: number; nodata?: number | null }>
  mask?: { file: string; kind: 'scl' | 'qa_pixel' | 'fmask' }
  sites: string
  item?: string
  epsg?: number
}

/** Reads JSON as Python writes it: it may have NaN, which becomes null, and Infinity. */
const json = (folder: string, file: string) =>
  JSON.parse(
    readFileSync(join(folder, file), 'utf8')
      .replace(/(?<=[:[,]\s*)NaN(?=\s*[,\]}])/g, 'null')
      .replace(/(?<=[:[,]\s*-?)Infinity(?=\s*[,\]}])/g, '1e999'),
  )

/** Opens a case by its item where it has one, else by flags as a person would give them. */
async function openCase(folder: string, { bands, mask, item, epsg }: SceneCase) {
  const none: SceneFlags = {
    bands: {},
    scale: null,
    offset: null,
    nodata: null,
    mask: null,
    timestamp: null,
    epsg: epsg ?? null,
  }
  if (item !== undefined) {
    const path = pathOf(folder, item)
    const plan = planWithFlags(planOfItem(readFileSync(path, 'utf8'), path), none)
    return { plan, open: await openScene(plan, openFilesOf(path, new Set(), { hosts: new Set() })) }
  }
  const files = Object.entries(bands).map(([name, { file, band }]) => [name, `${pathOf(folder, file)}:${band ?? 1}`])
  const plan = planOfFlags({
    ...none,
    bands: Object.fromEntries(files),
    scale: bands.red.scale,
    offset: bands.red.offset,
    nodata: bands.red.nodata === null ? Number.NaN : (bands.red.nodata ?? 'none'),
    mask: mask ? { file: pathOf(folder, mask.file), kind: mask.kind } : null,
    timestamp: '2020-02-19T11:00:00Z',
  })
  return { plan, open: await openScene(plan, openFile) }
}

const scenes = casesWith('case.json')

describe.skipIf(scenes.length === 0)('the statistics of real scenes are those of other programs', () => {
  for (const folder of scenes) {
    it.each<Rule>(['coverage', 'centre'])(`${basename(folder)}, by %s`, async rule => {
      const description = json(folder, 'case.json') as SceneCase
      const { plan, open } = await openCase(folder, description)
      const { red } = open.scene.bands
      expect([red.scale, red.offset]).toEqual([description.bands.red.scale, description.bands.red.offset])
      const read = await readSites(pathOf(folder, description.sites), { siteId: 'site_id', className: 'class_name' })
      const options = { rule, texture: false, minValid: 0 }
      const { observations } = await observeScene(plan, open, read.sites, options)
      await open.close()
      const wanted = Object.entries(json(folder, 'expected.json') as Record<string, Record<string, unknown>>)
      const valid = wanted.filter(([, { valid: sum, centre }]) =>
        rule === 'coverage' ? (sum as number) > 0 : (centre as { count: number }).count > 0,
      )
      expect(observations.map(({ siteId }) => siteId)).toEqual(valid.map(([id]) => id))
      for (const [index, [id, values]] of valid.entries()) {
        const { statistics, pixels, valid: sum, className } = observations[index] as (typeof observations)[number]
        const { ndviMean: mean, ndviStd: std, ndviMin: min, ndviMax: max } = statistics
        const near = (got: number | null, value: unknown, what: string) =>
          expect(Math.abs((got as number) - (value as number)), `${id} ${what}`).toBeLessThan(
            1e-6 * Math.max(1, Math.abs(value as number)),
          )
        expect(className).toBe(values.class_name)
        near(pixels, values.pixels_of_site, 'pixels')
        if (rule === 'centre') {
          const centre = values.centre as Record<string, number>
          expect(sum).toBe(centre.count)
          for (const [name, got] of Object.entries({ mean, std, min, max })) near(got, centre[name], name)
          continue
        }
        for (const [name, got] of Object.entries({ mean, std, min, max })) near(got, values[`ndvi_${name}`], name)
        near(fractionOf({ pixels }, sum), values.valid_fraction, 'valid_fraction')
        for (const band of ['red', 'nir', 'green', 'blue'] as const) {
          if (values[`${band}_mean`] !== undefined) near(statistics[band], values[`${band}_mean`], band)
        }
      }
    })
  }
})

const flavours = casesWith('expected.json').filter(folder =>
  Object.values(json(folder, 'expected.json')).some(
    each => (each as { sha1_of_each_band?: unknown } | null)?.sha1_of_each_band,
  ),
)

describe.skipIf(flavours.length === 0)('every way to write a TIFF gives the same pixels', () => {
  for (const folder of flavours) {
    it.each(Object.entries(json(folder, 'expected.json') as Record<string, Record<string, unknown>>))(
      '%s',
      async (file, wanted) => {
        const path = join(folder, file)
        if (wanted.may_be_refused_by_name_of_compression) {
          const name = { lzma: 'LZMA', jpeg: 'JPEG', webp: 'WebP' }[wanted.compress as string] ?? ''
          return expect(openFile(path).then(openRaster)).rejects.toThrow(`compressed with ${name}`)
        }
        const raster = await openRaster(await openFile(path))
        const digests = wanted.sha1_of_each_band as string[]
        const bands = (await readAll(await openFile(path))).slice(0, digests.length)
        const digest = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex')
        expect(
          bands.map(({ buffer, byteOffset, byteLength }) => digest(new Uint8Array(buffer, byteOffset, byteLength))),
        ).toEqual(digests)
        expect(raster).toMatchObject({ epsg: wanted.epsg, width: wanted.width, height: wanted.height })
        expect(String(raster.nodata)).toBe(String(wanted.nodata === 'nan' ? Number.NaN : wanted.nodata))
        expect([raster.tagScales[0] ?? 1, raster.tagOffsets[0] ?? 0]).toEqual([wanted.scale, wanted.offset])
        for (const [at, value] of (wanted.transform as number[]).entries()) {
          expect(raster.transform?.[at]).toBeCloseTo(value, 6)
        }
        await raster.source.close()
      },
    )
  }
})

const broken = casesWith('not_a_tiff.tif')

describe.skipIf(broken.length === 0)('broken and hostile files are refused by name', () => {
  for (const folder of broken.filter(each => !has(each, 'case.json'))) {
    it.each(globSync('*.tif', { cwd: folder }))('%s', async file => {
      const path = join(folder, file)
      const outcome = await openFile(path)
        .then(readAll)
        .then(
          bands => (bands.every(band => band.every(sample => sample === 0)) ? 'empty' : 'read'),
          (error: Error) => (error.name === 'ImageError' && error.message.includes(file) ? 'refused' : String(error)),
        )
      expect(['zero_tile.tif', 'huge_tag_count.tif'].includes(file) && outcome === 'empty' ? 'refused' : outcome).toBe(
        'refused',
      )
      expect(process.memoryUsage().arrayBuffers).toBeLessThan(200e6)
    })
  }
})

interface ChipCase {
  mean: number
  std: number
  min: number
  max: number
  red: number
  nir: number
  texture: Record<string, number>
}

const chips = casesWith('expected.json').filter(folder =>
  Object.values(json(folder, 'expected.json')).some(each => (each as { texture?: unknown } | null)?.texture),
)

describe.skipIf(chips.length === 0)('the statistics and textures of real chips are those of other programs', () => {
  const options = {
    bands: {},
    scale: null,
    offset: null,
    nodata: null,
    timestamp: null,
    epsg: null,
    texture: true,
    minValid: 0,
  }
  for (const folder of chips) {
    it.each(Object.entries(json(folder, 'expected.json') as Record<string, ChipCase>))('%s', async (name, wanted) => {
      const className = name.replace(/_\d+$/, '')
      // Where the description says so, the chips lie in the folder of data.
      const path = pathOf(
        folder,
        has(folder, `${name}.tif`) ? `${name}.tif` : `\${LANDCOVER_DATA}/eurosat/${className}/${name}.tif`,
      )
      const seen = await observeChip({ path, className }, options, emptySummary())
      const { statistics, texture } = seen as NonNullable<typeof seen>
      for (const [key, got] of [
        ['mean', statistics.ndviMean],
        ['std', statistics.ndviStd],
        ['min', statistics.ndviMin],
        ['max', statistics.ndviMax],
      ] as const) {
        expect(Math.abs(got - wanted[key]), key).toBeLessThan(1e-6)
      }
      expect(statistics.red).toBeCloseTo(wanted.red, 4)
      expect(statistics.nir).toBeCloseTo(wanted.nir, 4)
      for (const [key, value] of Object.entries(wanted.texture)) {
        expect(Math.abs((texture?.[key as keyof typeof texture] as number) - value), key).toBeLessThan(1e-6)
      }
    })
  }
})

interface CellCase {
  cell_x: number
  cell_y: number
  class_code: number
  pixels: number
  valid: number
  ndvi_mean: number
  ndvi_std: number
}

const classMaps = casesWith('case-classes.json')

describe.skipIf(classMaps.length === 0)('the statistics by class and cell are those of other programs', () => {
  it.each(classMaps)('%s', async folder => {
    const described = json(folder, 'case-classes.json')
    const scenePath = (file: string) => pathOf(folder, described.scene ? join(described.scene, file) : file)
    const plan = planOfFlags({
      bands: { red: scenePath(described.bands.red), nir: scenePath(described.bands.nir) },
      scale: described.scale,
      offset: described.offset,
      nodata: described.nodata ?? 0,
      mask: described.bands.mask ? { file: scenePath(described.bands.mask), kind: described.mask_kind ?? 'scl' } : null,
      timestamp: '2020-02-19T11:00:00Z',
      epsg: described.epsg ?? null,
    })
    const open = await openScene(plan, openFile)
    const raster = await openRaster(await openFile(pathOf(folder, described.classes)))
    const legend = new Map(Array.from({ length: 255 }, (_, code) => [code + 1, String(code + 1)] as const))
    const pixel = Math.abs(open.scene.bands.red.raster.transform?.[0] as number)
    const map = { raster, legend, cellSize: described.cell_px * pixel }
    const { observations } = await observeCells(plan, open, map, { texture: false, minValid: 0 })
    await open.close()
    await raster.source.close()
    const cells = (json(folder, 'expected.json').cells as CellCase[]).filter(({ valid }) => valid > 0)
    const got = new Map(observations.map(each => [`${/x\d+-y\d+$/.exec(each.siteId ?? '')} ${each.className}`, each]))
    let differing = 0
    for (const cell of cells) {
      const key = `x${cell.cell_x}-y${cell.cell_y} ${cell.class_code}`
      const seen = got.get(key)
      expect(seen, key).toBeDefined()
      differing += Math.abs((seen?.pixels ?? 0) - cell.pixels)
      expect(Math.abs((seen?.statistics.ndviMean ?? 9) - cell.ndvi_mean), key).toBeLessThan(1e-6)
      expect(Math.abs((seen?.statistics.ndviStd ?? 9) - cell.ndvi_std), key).toBeLessThan(1e-6)
    }
    expect(differing).toBeLessThanOrEqual(1e-4 * cells.reduce((sum, { pixels }) => sum + pixels, 0))
    expect(got.size).toBe(cells.length)
  })
})
