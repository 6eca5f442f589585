import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readLegend } from '../../functions/images/classes/legend.ts'
import { nearestPixels } from '../../functions/images/classes/nearest.ts'
import { observeCells } from '../../functions/images/classes/observe-cells.ts'
import type { ScenePlan } from '../../functions/images/scene/plan.ts'
import { projectionOf } from '../../functions/images/sites/projection.ts'
import { openRaster } from '../../functions/images/tiff/raster.ts'
import { sceneOf, sourceOf } from '../support/scenes.ts'
import { seeded } from '../support/seeded.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type TiffForm, writeTiff } from '../support/tiff.ts'

const SIDE = 150
const CELL = 40
const GRID = { epsg: 32629, transform: [10, 0, 300_000, 0, -10, 2_700_000] as const, width: SIDE, height: SIDE }
const PLAN = { sceneId: 'a', identity: 'a', timestamp: '2020-01-01T00:00:00Z', processingVersion: null, gridCode: null }

/** A map of degrees around the scene, that does not reach all of it. */
const projection = projectionOf(GRID, 'the scene')
const [left, top] = projection.toLonLat([-20, -20])
const MAP_GRID = { epsg: 4326, transform: [0.0002, 0, left, 0, -0.0002, top] as const, width: 80, height: 68 }

describe('the pixel of a map that holds the centre of a scene’s pixel', () => {
  it('is the exact one, at the borders of the map’s pixels as well', () => {
    const map = projectionOf(MAP_GRID, 'the map')
    const window = { x0: 0, y0: 17, x1: SIDE, y1: 131 }
    const { columns, rows } = nearestPixels(projection, map, window)
    for (let y = window.y0, at = 0; y < window.y1; y++) {
      for (let x = 0; x < SIDE; x++, at++) {
        const [column, row] = map.toPixel(projection.toLonLat([x + 0.5, y + 0.5]))
        expect([columns[at], rows[at]]).toEqual([Math.floor(column), Math.floor(row)])
      }
    }
  })
})

describe('statistics by class and cell', () => {
  const random = seeded()
  const band = () =>
    Array.from({ length: SIDE * SIDE }, () => (random.next() < 0.1 ? 0 : 1 + Math.floor(random.next() * 9000)))
  const bands = [band(), band()] as const
  const codes = Array.from(
    { length: MAP_GRID.width * MAP_GRID.height },
    () => [0, 10, 20, 77][Math.floor(random.next() * 4)] as number,
  )

  const observe = async (form: TiffForm, { codes: given = codes, nodata = '0' } = {}) => {
    const scene = await sceneOf({ width: SIDE, height: SIDE, bands }, form)
    const { transform, ...size } = MAP_GRID
    const map = {
      ...size,
      bands: [given],
      epsg: 4326,
      pixelSize: transform[0],
      origin: [left, top] as const,
      nodata,
    }
    const raster = await openRaster(sourceOf(writeTiff(map, { type: 'u8', ...form })))
    const legend = new Map([
      [10, 'Forest'],
      [20, 'Pasture'],
    ])
    const open = { scene, explanation: [], close: async () => {} }
    return observeCells(
      PLAN as unknown as ScenePlan,
      open,
      { raster, legend, cellSize: CELL * 10 },
      { texture: false, minValid: 0 },
    )
  }

  it('are those of each pixel by itself', async () => {
    const map = projectionOf(MAP_GRID, 'the map')
    const zones = new Map<string, { pixels: number; ndvi: number[] }>()
    let unknown = 0
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const [column, row] = map.toPixel(projection.toLonLat([x + 0.5, y + 0.5])).map(Math.floor) as [number, number]
        if (column < 0 || row < 0 || column >= MAP_GRID.width || row >= MAP_GRID.height) continue
        const code = codes[row * MAP_GRID.width + column] as number
        if (code === 77) unknown++
        if (code !== 10 && code !== 20) continue
        const key = `x${Math.floor(x / CELL)}-y${Math.floor(y / CELL)} ${code === 10 ? 'Forest' : 'Pasture'}`
        const zone = zones.get(key) ?? { pixels: 0, ndvi: [] }
        zones.set(key, zone)
        zone.pixels++
        const [red, nir] = bands.map(each => each[y * SIDE + x] as number) as [number, number]
        if (red !== 0 && nir !== 0) zone.ndvi.push((nir - red) / (nir + red))
      }
    }
    const seen = await observe({ blocks: { tile: 16 } })
    expect(
      seen.observations.map(({ siteId, className }) => `${siteId?.replace('EPSG-32629-400-', '')} ${className}`).sort(),
    ).toEqual([...zones.keys()].sort())
    expect([...seen.unknown]).toEqual([[77, unknown]])
    for (const { siteId, className, pixels, valid, statistics } of seen.observations) {
      const zone = zones.get(`${siteId?.replace('EPSG-32629-400-', '')} ${className}`) as {
        pixels: number
        ndvi: number[]
      }
      const mean = zone.ndvi.reduce((sum, ndvi) => sum + ndvi, 0) / zone.ndvi.length
      const variance = zone.ndvi.reduce((sum, ndvi) => sum + (ndvi - mean) ** 2, 0) / zone.ndvi.length
      expect([pixels, valid], `SEED=${random.seed}`).toEqual([zone.pixels, zone.ndvi.length])
      expect(statistics.ndviMean).toBeCloseTo(mean, 9)
      expect(statistics.ndviStd).toBeCloseTo(Math.sqrt(variance), 9)
    }
  })

  it('leave out pixels without data in the map, even if the legend has their code', async () => {
    const form = { blocks: { tile: 16 }, type: 'f32' as const }
    const known = await observe(form, { nodata: '10' })
    expect(known.observations.length).toBeGreaterThan(0)
    expect(known.observations.every(({ className }) => className === 'Pasture')).toBe(true)
    // NaN is not the code 0.
    const all = await observe(form, { codes: codes.map(() => Number.NaN), nodata: 'nan' })
    expect([all.observations.length, all.unknown.size]).toEqual([0, 0])
  })

  it('are the same bits for any division of the files into blocks', async () => {
    expect(await observe({ blocks: { strip: 7 }, codec: 'lzw' })).toStrictEqual(await observe({ blocks: { tile: 64 } }))
  })
})

describe('a legend', () => {
  it('is one that is known, or a CSV of codes and names', async () => {
    expect((await readLegend('worldcover')).get(80)).toBe('Permanent water bodies')
    expect((await readLegend('dynamicworld')).get(4)).toBe('Crops')
    expect((await readLegend('CORINE')).get(44)).toBe('Sea and ocean')
    const path = join(temporaryFolder(), 'legend.csv')
    writeFileSync(path, 'code,class_name\n7,Forest\n')
    expect([...(await readLegend(path))]).toEqual([[7, 'Forest']])
    writeFileSync(path, 'code,class_name\nseven,Forest\n')
    await expect(readLegend(path)).rejects.toThrow(/legend\.csv, row 2: needs a whole number/)
    await expect(readLegend('none')).rejects.toThrow(/none: is neither a legend/)
  })
})
