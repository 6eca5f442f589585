import { readFile } from 'node:fs/promises'
import { parseDbf, parseShp } from 'shpjs'
import { asImageError, ImageError } from '../errors.ts'
import type { Feature } from './geojson.ts'

/** Reads the features of a shapefile. Its .dbf and .prj must be in the same folder. @throws ImageError */
export async function readShapefile(path: string): Promise<Feature[]> {
  const beside = (extension: string) =>
    path.replace(/shp$/i, match => (match === 'SHP' ? extension.toUpperCase() : extension))
  return asImageError(path, 'give a complete shapefile (.shp, .dbf, .prj)', async () => {
    const shp = await readFile(path)
    const dbf = await readFile(beside('dbf'))
    const prj = await optionalText(beside('prj'))
    if (prj === undefined) throw new ImageError(`${path}: has no .prj beside it, which names its coordinates; add it`)
    const geometries = parseShp(shp, prj)
    const rows = parseDbf(dbf, await optionalText(beside('cpg')))
    return geometries.map((geometry, index) => ({ properties: rows[index] ?? {}, geometry }))
  })
}

async function optionalText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(error => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
}
