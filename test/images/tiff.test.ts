import { describe, expect, it } from 'vitest'
import { openRaster } from '../../functions/images/tiff/raster.ts'
import { readAll, sourceOf } from '../support/scenes.ts'
import { seeded } from '../support/seeded.ts'
import { type Codec, type SampleType, type TestRaster, type TiffForm, writeTiff } from '../support/tiff.ts'

const RANGES: Record<SampleType, [number, number]> = {
  u8: [0, 255],
  i8: [-128, 127],
  u16: [0, 65_535],
  i16: [-32_768, 32_767],
  u32: [0, 2 ** 32 - 1],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  f32: [-1000, 1000],
  f64: [-1000, 1000],
}

/** Three bands, part noise and part flat, larger than a tile and than LZW's first widths of codes. */
function rasterOf(type: SampleType, width = 71, height = 53): TestRaster {
  const { next } = seeded(17)
  const [least, most] = RANGES[type]
  const sample = () => {
    const value = least + next() * (most - least)
    return type === 'f64' ? value : type === 'f32' ? Math.fround(value) : Math.round(value) + 0
  }
  const bands = [0, 1, 2].map(() => Array.from({ length: width * height }, (_, at) => (at < 500 ? 0 : sample())))
  return { width, height, bands }
}

async function expectSame(raster: TestRaster, form: TiffForm): Promise<void> {
  const bands = await readAll(sourceOf(writeTiff(raster, form)))
  const differing = bands.flatMap((band, index) =>
    band.every((sample, at) => sample === raster.bands[index]?.[at]) ? [] : [index],
  )
  expect({ form, differing }).toEqual({ form, differing: [] })
  expect(bands).toHaveLength(raster.bands.length)
}

describe('a GeoTIFF gives the pixels that were written', () => {
  const codecs: Codec[] = ['none', 'deflate', 'zstd', 'lzw', 'packbits']

  it.each(codecs)('compressed with %s, in strips, tiles, and planes', async codec => {
    for (const isPlanar of [false, true]) {
      for (const blocks of [{ strip: 53 }, { strip: 1 }, { strip: 10 }, { tile: 16 }, { tile: 80 }]) {
        await expectSame(rasterOf('u16'), { codec, blocks, isPlanar })
      }
    }
  })

  it.each(Object.keys(RANGES) as SampleType[])('of type %s, in both byte orders, with predictors', async type => {
    for (const isBigEndian of [false, true]) {
      for (const predictor of type.startsWith('f') ? ([1, 3] as const) : ([1, 2] as const)) {
        for (const isPlanar of [false, true]) {
          await expectSame(rasterOf(type), {
            type,
            isBigEndian,
            predictor,
            isPlanar,
            codec: 'lzw',
            blocks: { tile: 32 },
          })
        }
      }
    }
  })

  it('as a BigTIFF, in both byte orders', async () => {
    for (const isBigEndian of [false, true]) {
      await expectSame(rasterOf('u16'), { isBigTiff: true, isBigEndian, blocks: { strip: 7 } })
    }
  })

  it('with many codes of LZW between two clears', async () => {
    await expectSame(rasterOf('u8', 300, 200), { type: 'u8', codec: 'lzw', blocks: { strip: 200 } })
  })

  it('with blocks left out, whose pixels have no data', async () => {
    const raster = { ...rasterOf('u16', 64, 64), nodata: '7' }
    const empty = raster.bands.map(band => band.map((sample, at) => (at < 32 * 64 ? 0 : sample)))
    const bands = await readAll(
      sourceOf(writeTiff({ ...raster, bands: empty }, { blocks: { tile: 32 }, isSparse: true })),
    )
    expect(bands[0]?.subarray(0, 32 * 64).every(sample => sample === 7)).toBe(true)
    expect(Array.from(bands[2]?.subarray(32 * 64) ?? [])).toEqual(empty[2]?.slice(32 * 64))
  })
})

describe("a GeoTIFF's tags", () => {
  it('say where it lies, what has no data, and how bands are scaled', async () => {
    const raster = { ...rasterOf('i16'), origin: [500_000, 4_000_000] as const, pixelSize: 20, epsg: 32633 }
    const open = await openRaster(
      sourceOf(writeTiff({ ...raster, nodata: '-9999', scale: 0.0001, offset: -0.1 }, { type: 'i16' })),
    )
    expect(open).toMatchObject({ epsg: 32633, transform: [20, 0, 500_000, 0, -20, 4_000_000], nodata: -9999 })
    expect(open.tagScales).toEqual([0.0001, 0.0001, 0.0001])
    expect(open.tagOffsets).toEqual([-0.1, -0.1, -0.1])
  })

  it.each<[string, Partial<TestRaster>, number[]]>([
    ['from south to north', { matrix: [10, 0, 500, 0, 10, 900] }, [10, 0, 500, 0, 10, 900]],
    ['at an angle', { matrix: [8, 6, 500, 6, -8, 900] }, [8, 6, 500, 6, -8, 900]],
    ['by the centres of pixels', { origin: [500, 900], isPoint: true }, [10, 0, 495, 0, -10, 905]],
    ['at an angle, by the centres', { matrix: [8, 6, 500, 6, -8, 900], isPoint: true }, [8, 6, 493, 6, -8, 901]],
  ])('say that it lies %s', async (_, place, transform) => {
    const open = await openRaster(sourceOf(writeTiff({ ...rasterOf('u8'), ...place }, { type: 'u8' })))
    expect(open.transform).toEqual(transform)
  })

  it('may leave this out', async () => {
    const open = await openRaster(sourceOf(writeTiff({ ...rasterOf('u8'), isUnplaced: true }, { type: 'u8' })))
    expect(open).toMatchObject({ epsg: null, transform: null, nodata: null, tagScales: [null, null, null] })
  })

  it.each<[string, number]>([
    ['inf', Infinity],
    ['-inf', -Infinity],
    ['1e+20', Math.fround(1e20)],
  ])('take %s for no data, as samples of 32 bits hold it', async (nodata, value) => {
    const open = await openRaster(sourceOf(writeTiff({ ...rasterOf('f32'), nodata }, { type: 'f32' })))
    expect(open.nodata).toBe(value)
  })

  it('take NaN for no data', async () => {
    const open = await openRaster(sourceOf(writeTiff({ ...rasterOf('f32'), nodata: 'nan' }, { type: 'f32' })))
    expect(open.nodata).toBeNaN()
  })
})

/** Changes the value of a tag of a little-endian TIFF. Types SHORT and LONG, one value. */
function withTag(bytes: Uint8Array, id: number, value: number): Uint8Array {
  const changed = new Uint8Array(bytes)
  const view = new DataView(changed.buffer)
  const directory = view.getUint32(4, true)
  for (let entry = directory + 2; entry < directory + 2 + 12 * view.getUint16(directory, true); entry += 12) {
    if (view.getUint16(entry, true) === id) view.setUint32(entry + 8, value, true)
  }
  return changed
}

describe('a file that is broken or hostile is refused with its name', () => {
  const good = writeTiff({ ...rasterOf('u16'), bands: rasterOf('u16').bands.slice(0, 1) }, { codec: 'deflate' })

  it.each<[string, Uint8Array, RegExp]>([
    ['without a byte', new Uint8Array(0), /memory\.tif: /],
    ['of text', Buffer.from('this is not an image at all'.repeat(10)), /memory\.tif: .*check the file/],
    ['cut off', good.subarray(0, 400), /memory\.tif: /],
    ['of no width', withTag(good, 256, 0), /0 x 53 pixels/],
    ['of too many pixels', withTag(withTag(good, 256, 1_000_000), 257, 1_000_000), /more than 500000000/],
    ['of too many bands', withTag(good, 277, 65_535), /65535 bands/],
    ['with blocks of too many bytes', withTag(withTag(good, 256, 20_000), 278, 20_000), /memory\.tif: /],
    ['with more bytes in a block than it can hold', withTag(good, 279, 60_000), /block 0, 0 has 60000 bytes/],
    ['in JPEG', withTag(good, 259, 7), /compressed with JPEG,/],
    ['in WebP', withTag(good, 259, 50_001), /compressed with WebP/],
    ['in LZMA', withTag(good, 259, 34_925), /compressed with LZMA/],
    ['in JPEG 2000', withTag(good, 259, 34_712), /compressed with JPEG 2000/],
    ['whose LZW is garbage', withTag(good, 259, 5), /cannot be decoded/],
    ['whose zstd is garbage', withTag(good, 259, 50_000), /cannot be decoded/],
    ['whose pixels end early', withTag(good, 256, 400), /of \d+ bytes/],
  ])('%s', async (_, bytes, message) => {
    await expect(readAll({ ...sourceOf(bytes) })).rejects.toThrow(message)
  })

  it('when it is opened, where a block ends one byte beyond its end', async () => {
    const plain = writeTiff({ ...rasterOf('u16'), bands: rasterOf('u16').bands.slice(0, 1) })
    const lastPossible = plain.length - 71 * 53 * 2
    await expect(openRaster(sourceOf(withTag(plain, 273, lastPossible)))).resolves.toMatchObject({ width: 71 })
    await expect(openRaster(sourceOf(withTag(plain, 273, lastPossible + 1)))).rejects.toThrow(
      /memory\.tif: ends after \d+ bytes, before data/,
    )
  })

  it('with a directory that points back to itself', async () => {
    const loop = new Uint8Array(good)
    const view = new DataView(loop.buffer)
    const directory = view.getUint32(4, true)
    view.setUint32(directory + 2 + 12 * view.getUint16(directory, true), directory, true)
    await expect(readAll(sourceOf(loop))).rejects.toThrow(/more than 64 images/)
  })

  it('with a block that decompresses to more than it can hold', async () => {
    const bomb = writeTiff(
      { width: 500, height: 500, bands: [new Array(250_000).fill(0)] },
      { type: 'u8', codec: 'deflate' },
    )
    const small = withTag(withTag(withTag(bomb, 256, 50), 257, 50), 278, 50)
    await expect(readAll(sourceOf(small))).rejects.toThrow(/memory\.tif: block 0, 0 cannot be decoded/)
  })
})
