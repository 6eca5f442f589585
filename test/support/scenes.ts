import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { joinBands, type SceneBands } from '../../functions/images/bands/scene-bands.ts'
import { openRaster } from '../../functions/images/tiff/raster.ts'
import type { Samples } from '../../functions/images/tiff/samples.ts'
import type { ByteSource } from '../../functions/images/tiff/source.ts'
import { openWindowReader } from '../../functions/images/tiff/window.ts'
import { type TestRaster, type TiffForm, writeTiff } from './tiff.ts'

/** Bytes in memory as a source. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    name: 'memory.tif',
    sizeBytes: bytes.length,
    async read(offset, length) {
      if (offset + length > bytes.length) throw new Error('reads beyond the end')
      return new Uint8Array(bytes.subarray(offset, offset + length))
    },
    async close() {},
  }
}

/** All bands of a source, in full. Closes it. */
export async function readAll(source: ByteSource): Promise<Samples[]> {
  const raster = await openRaster(source)
  const read = openWindowReader(raster.blocks, source, raster.nodata ?? 0)
  const bands = Array.from({ length: raster.bands }, (_, band) => band)
  const samples = await read(bands, { x0: 0, y0: 0, x1: raster.width, y1: raster.height })
  await source.close()
  return samples
}

/** A scene of one file: red is its first band, near infrared its second, the mask a file of its own. */
export async function sceneOf(
  raster: TestRaster,
  form: TiffForm,
  options: {
    scale?: number
    offset?: number
    nodata?: number | null
    mask?: { raster: TestRaster; form?: TiffForm }
  } = {},
): Promise<SceneBands> {
  const { scale = 0.0001, offset = 0, nodata = 0, mask } = options
  const file = await openRaster(sourceOf(writeTiff(raster, form)))
  const bands = {
    red: { raster: file, band: 1, scale, offset, nodata },
    nir: { raster: file, band: 2, scale, offset, nodata },
  }
  const open = mask && (await openRaster(sourceOf(writeTiff(mask.raster, { type: 'u8', ...mask.form }))))
  return joinBands(bands, open ? { raster: open, kind: 'scl' } : null, null)
}

/** Writes a raster into a folder. */
export function writeRaster(folder: string, name: string, raster: TestRaster, form: TiffForm = {}): string {
  const path = join(folder, name)
  writeFileSync(path, writeTiff(raster, form))
  return path
}
