import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { maskTable } from '../../functions/images/bands/mask.ts'
import { placeOfHref } from '../../functions/images/scene/item-source.ts'
import { planOfItem } from '../../functions/images/scene/stac-item.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface AssetFields {
  [field: string]: unknown
}

/** A STAC item with a file for each band. */
function itemOf(
  properties: Record<string, unknown>,
  fields: AssetFields = {},
  others: Record<string, unknown> = {},
): string {
  const asset = (name: string) => ({
    href: `./${name}.tif`,
    type: 'image/tiff; application=geotiff',
    'eo:bands': [{ name, common_name: name }],
    ...fields,
  })
  const assets = { red: asset('red'), nir: asset('nir'), green: asset('green'), ...others }
  return JSON.stringify({
    type: 'Feature',
    id: 'the-scene',
    properties: { datetime: '2023-05-01T10:00:00Z', ...properties },
    assets,
  })
}

const SENTINEL_2 = { platform: 'sentinel-2a', constellation: 'sentinel-2' }
const LANDSAT = { platform: 'landsat-8', 'landsat:correction': 'L2SP', 'landsat:collection_number': '02' }
const withOffset = { 'raster:bands': [{ scale: 0.0001, offset: -0.1, nodata: 0 }] }

describe('scale and offset of a band', () => {
  it.each<[string, Record<string, unknown>, AssetFields, number | null, number | null]>([
    ['are those of the item', SENTINEL_2, withOffset, 0.0001, -0.1],
    [
      'have no offset when the provider has applied it',
      { ...SENTINEL_2, 'earthsearch:boa_offset_applied': true },
      withOffset,
      0.0001,
      0,
    ],
    [
      'have one when the provider says that it is not applied',
      { ...SENTINEL_2, 'earthsearch:boa_offset_applied': false },
      withOffset,
      0.0001,
      -0.1,
    ],
    ['are -0.1 from baseline 04.00 on', { ...SENTINEL_2, 's2:processing_baseline': '04.00' }, {}, 0.0001, -0.1],
    ['are -0.1 also at 05.10', { ...SENTINEL_2, 's2:processing_baseline': '05.10' }, {}, 0.0001, -0.1],
    ['are 0 before baseline 04.00', { ...SENTINEL_2, 's2:processing_baseline': '03.01' }, {}, 0.0001, 0],
    [
      'follow the baseline in the name of the product',
      { ...SENTINEL_2, 's2:product_uri': 'S2A_MSIL2A_20230501T100000_N0509_R037_T29RKH_20230501T120000.SAFE' },
      {},
      0.0001,
      -0.1,
    ],
    ['are not guessed for Sentinel-2 without a baseline', SENTINEL_2, {}, null, null],
    ['are known for Landsat Collection 2 Level 2', LANDSAT, {}, 0.0000275, -0.2],
    ['are those of the item for Landsat, too', LANDSAT, { 'raster:bands': [{ scale: 0.5, offset: 0.25 }] }, 0.5, 0.25],
    ['are not guessed for Landsat Level 1', { ...LANDSAT, 'landsat:correction': 'L1TP' }, {}, null, null],
    ['are not guessed for others', { platform: 'a-cubesat' }, {}, null, null],
    ['may be in the asset (STAC 1.1)', { platform: 'x' }, { 'raster:scale': 0.01, 'raster:offset': 1 }, 0.01, 1],
  ])('%s', (_, properties, fields, scale, offset) => {
    const { red, nir } = planOfItem(itemOf(properties, fields), 'item.json').bands
    for (const band of [red, nir]) {
      expect(band.scale?.value ?? null).toBe(scale)
      expect(band.offset?.value ?? null).toBe(offset)
    }
  })
})

describe('an item', () => {
  it('names the acquisition without the processing version', () => {
    const properties = { ...SENTINEL_2, 'grid:code': 'MGRS-29RKH', datetime: '2020-02-19T11:34:25.405Z' }
    const plan = (version: string) =>
      planOfItem(itemOf({ ...properties, 's2:processing_baseline': version }), 'item.json')
    expect(plan('02.14').identity).toBe('sentinel-2a_20200219T113425Z_MGRS-29RKH')
    expect(plan('05.00').identity).toBe(plan('02.14').identity)
    expect(plan('05.00').processingVersion).toBe('05.00')
  })

  it('gives band 8, not the narrow band 8A', () => {
    const narrow = {
      nir08: { href: './B8A.tif', type: 'image/tiff', 'eo:bands': [{ name: 'B8A', common_name: 'nir' }] },
    }
    const text = itemOf(SENTINEL_2, withOffset)
    const { assets, ...item } = JSON.parse(text)
    expect(planOfItem(JSON.stringify({ ...item, assets: { ...narrow, ...assets } }), 'x').bands.nir.href).toBe(
      './nir.tif',
    )
  })

  it('gives GeoTIFF before JPEG 2000, and the mask', () => {
    const scl = {
      'scl-jp2': { href: 's3://x/SCL.jp2', type: 'image/jp2' },
      scl: { href: './SCL.tif', type: 'image/tiff' },
    }
    const plan = planOfItem(itemOf(SENTINEL_2, withOffset, scl), 'item.json')
    expect(plan.mask).toMatchObject({ href: './SCL.tif', kind: 'scl' })
    expect(plan.bands.green?.href).toBe('./green.tif')
    expect(plan.bands.blue).toBeUndefined()
  })

  it.each<[string, string, RegExp]>([
    ['that is not JSON', '{', /item\.json: is not JSON/],
    ['that is not an item', '{"type":"FeatureCollection"}', /item\.json: is not a STAC item/],
    ['without a time', itemOf({ ...SENTINEL_2, datetime: null }), /item\.json: its datetime is missing/],
    [
      'without a red band',
      JSON.stringify({ type: 'Feature', id: 'x', properties: { datetime: '2023-05-01T10:00:00Z' }, assets: {} }),
      /no GeoTIFF asset is the red band/,
    ],
  ])('%s is refused', (_, text, message) => {
    expect(() => planOfItem(text, 'item.json')).toThrow(message)
  })

  it.each(['/etc/passwd', '../other/B04.tif', 'a/../../B04.tif', 'file:///etc/passwd', 's3://bucket/B04.tif'])(
    'reads no file outside its folder: %s',
    async href => {
      await expect(placeOfHref('some/folder/item.json', href)).rejects.toThrow(/item\.json: /)
    },
  )

  it('reads a file from the web when no file of that name lies beside it', async () => {
    const address = 'https://example.org/B04.tif'
    await expect(placeOfHref('some/folder/item.json', address)).resolves.toBe(address)
  })

  it('from the web reads files beside it, and no files of this machine', async () => {
    const item = 'https://example.org/scenes/item.json'
    await expect(placeOfHref(item, './B04.tif')).resolves.toBe('https://example.org/scenes/B04.tif')
    await expect(placeOfHref(item, 'https://other.example/B04.tif')).resolves.toBe('https://other.example/B04.tif')
    await expect(placeOfHref(item, 'file:///etc/passwd')).rejects.toThrow(/not an address of the web/)
  })

  it('reads a file of the same name beside it for a path of another machine', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'B04.tif'), '')
    await expect(placeOfHref(join(folder, 'item.json'), '/data/scenes/B04.tif')).resolves.toBe(join(folder, 'B04.tif'))
  })

  it('may begin with a byte order mark', () => {
    expect(planOfItem(`\uFEFF${itemOf(SENTINEL_2)}`, 'item.json').timestamp).toBe(
      planOfItem(itemOf(SENTINEL_2), 'item.json').timestamp,
    )
  })

  it('reads files below its folder', async () => {
    await expect(placeOfHref('some/folder/item.json', './bands/B04.tif')).resolves.toMatch(
      /some\/folder\/bands\/B04\.tif$/,
    )
  })
})

describe('the values of a mask', () => {
  const states = (kind: Parameters<typeof maskTable>[0], values: number[]) => {
    const table = maskTable(kind)
    return values.map(value => ['clear', 'cloudy', 'no data'][table[value] as number])
  }

  it('mean, for SCL, no data, clear or cloudy', () => {
    expect(states('scl', [0, 1])).toEqual(['no data', 'no data'])
    expect(states('scl', [2, 4, 5, 6, 7, 11])).toEqual(new Array(6).fill('clear'))
    expect(states('scl', [3, 8, 9, 10])).toEqual(new Array(4).fill('cloudy'))
  })

  it('are bits, for QA_PIXEL', () => {
    expect(states('qa_pixel', [1, 0b11])).toEqual(['no data', 'no data'])
    expect(states('qa_pixel', [2, 4, 8, 16, 22280])).toEqual(new Array(5).fill('cloudy'))
    expect(states('qa_pixel', [0, 32, 64, 128, 21824])).toEqual(new Array(5).fill('clear'))
  })

  it('are bits, for Fmask', () => {
    expect(states('fmask', [255])).toEqual(['no data'])
    expect(states('fmask', [2, 4, 8, 0b1110])).toEqual(new Array(4).fill('cloudy'))
    expect(states('fmask', [0, 1, 16, 32, 64, 128])).toEqual(new Array(6).fill('clear'))
  })
})
