import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CLASSES } from '../../data/generator.ts'
import { writeScene } from '../../data/scene.ts'
import { openRaster } from '../../functions/images/tiff/raster.ts'
import { openFile } from '../../functions/images/tiff/source.ts'
import { readAll } from '../support/scenes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function sceneOf(seed: number): Promise<string> {
  const folder = temporaryFolder()
  await writeScene(folder, seed)
  return folder
}

describe('a generated scene', () => {
  it('has bands of 10 m and a mask of 20 m on the same ground', async () => {
    const folder = await sceneOf(1)
    for (const [name, metres, side] of [
      ['B04.tif', 10, 256],
      ['B08.tif', 10, 256],
      ['SCL.tif', 20, 128],
    ] as const) {
      const raster = await openRaster(await openFile(join(folder, name)))
      expect(raster).toMatchObject({ width: side, height: side, bands: 1, epsg: 32632, nodata: 0 })
      expect(raster.transform).toEqual([metres, 0, 600_000, 0, -metres, 5_400_000])
      await raster.source.close()
    }
  })

  it('has its directory before its pixels, as Cloud-Optimized GeoTIFFs do', async () => {
    const raster = await openRaster(await openFile(join(await sceneOf(1), 'B04.tif')))
    const { offsets, byteCounts, layout } = raster.blocks
    expect([layout.blocksAcross, layout.blocksDown]).toEqual([4, 4])
    expect(Math.min(...Array.from(offsets))).toBeGreaterThan(8)
    for (let at = 1; at < offsets.length; at++) {
      expect(offsets[at]).toBe((offsets[at - 1] as number) + (byteCounts[at - 1] as number))
    }
    await raster.source.close()
  })

  it('is the same for the same seed, and another for another', async () => {
    const pixels = async (seed: number) => (await readAll(await openFile(join(await sceneOf(seed), 'B08.tif'))))[0]
    const first = await pixels(3)
    expect(await pixels(3)).toEqual(first)
    expect(await pixels(4)).not.toEqual(first)
  })

  it('has fields of known classes, each with its own id', async () => {
    const { features } = JSON.parse(readFileSync(join(await sceneOf(1), 'fields.geojson'), 'utf8'))
    const known = CLASSES.map(({ className }) => className)
    const fields = features.map(({ properties }: { properties: Record<string, string> }) => properties)
    expect(new Set(fields.map(({ site_id }: Record<string, string>) => site_id)).size).toBe(13)
    for (const { class_name } of fields) expect(known).toContain(class_name)
  })
})
