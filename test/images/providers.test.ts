import { describe, expect, it } from 'vitest'
import { planOfItem } from '../../functions/images/scene/stac-item.ts'

const TIFF = 'image/tiff; application=geotiff; profile=cloud-optimized'
const WHEN = '2023-06-01T10:56:21.024000Z'

type Assets = Record<string, Record<string, unknown>>

/** An asset of one band, by its key. */
function asset(key: string, fields: Record<string, unknown> = {}): Assets {
  return { [key]: { href: `https://example.org/scenes/${key}.tif?token=a`, type: TIFF, roles: ['data'], ...fields } }
}

const named = (key: string, common: string, name = key) => asset(key, { 'eo:bands': [{ name, common_name: common }] })

function planOf(id: string, properties: Record<string, unknown>, ...assets: Assets[]) {
  const item = {
    type: 'Feature',
    id,
    properties: { datetime: WHEN, ...properties },
    assets: Object.assign({}, ...assets),
  }
  return planOfItem(JSON.stringify(item), 'item.json')
}

/** Inputs of a plan: keys of red, near infrared and mask, scale and offset, grid and version. */
function readOf({ bands, mask, gridCode, processingVersion }: ReturnType<typeof planOf>) {
  const key = (href: string | undefined) => /([^/]+)\.tif/.exec(href ?? '')?.[1] ?? null
  const { red, nir } = bands
  return [
    key(red.href),
    key(nir.href),
    key(mask?.href),
    red.scale?.value,
    red.offset?.value,
    gridCode,
    processingVersion,
  ]
}

const BANDS_OF_10_M = [named('B02', 'blue'), named('B03', 'green'), named('B04', 'red'), named('B08', 'nir')]
const PICTURE = asset('visual', { roles: ['visual'], 'eo:bands': [{ common_name: 'red' }, { common_name: 'green' }] })

describe('items are read as their providers write them', () => {
  it('Earth Search v0, with narrow near infrared bands of the same name', () => {
    const properties = {
      platform: 'sentinel-2b',
      'sentinel:utm_zone': 5,
      'sentinel:latitude_band': 'Q',
      'sentinel:grid_square': 'KB',
      'sentinel:product_id': 'S2B_MSIL2A_20230601T105621_N0214_R094_T05QKB_20230601T140000',
      'sentinel:boa_offset_applied': false,
    }
    const plan = planOf(
      'S2B_5QKB_20230601_0_L2A',
      properties,
      PICTURE,
      named('B8A', 'nir'),
      ...BANDS_OF_10_M,
      asset('SCL'),
    )
    expect(readOf(plan)).toEqual(['B04', 'B08', 'SCL', 0.0001, 0, 'MGRS-5QKB', '02.14'])
  })

  it('Earth Search v1, with JPEG 2000 beside', () => {
    const scaling = { 'raster:bands': [{ nodata: 0, scale: 0.0001, offset: -0.1 }] }
    const band = (key: string) => asset(key, { 'eo:bands': [{ name: key, common_name: key }], ...scaling })
    const properties = {
      platform: 'sentinel-2b',
      'grid:code': 'MGRS-05QKB',
      's2:processing_baseline': '05.09',
      'earthsearch:boa_offset_applied': true,
    }
    const jpeg = { 'red-jp2': { href: 's3://x/B04.jp2', type: 'image/jp2', 'eo:bands': [{ common_name: 'red' }] } }
    const plan = planOf(
      'S2B_5QKB_20230601_0_L2A',
      properties,
      jpeg,
      PICTURE,
      band('red'),
      band('nir08'),
      band('nir'),
      asset('scl'),
    )
    expect(readOf(plan)).toEqual(['red', 'nir', 'scl', 0.0001, 0, 'MGRS-5QKB', '05.09'])
  })

  it('Planetary Computer, whose Sentinel-2 items say no scale', () => {
    const properties = {
      platform: 'Sentinel-2B',
      's2:mgrs_tile': '05QKB',
      's2:processing_baseline': '05.09',
      'proj:epsg': null,
    }
    const plan = planOf(
      'S2B_MSIL2A_20230601T105621_R094_T05QKB_20230601T140000',
      properties,
      ...BANDS_OF_10_M,
      named('B8A', 'rededge'),
      asset('SCL'),
    )
    expect(readOf(plan)).toEqual(['B04', 'B08', 'SCL', 0.0001, -0.1, 'MGRS-5QKB', '05.09'])
    expect(plan.epsg).toBeNull()
  })

  it('the Copernicus Data Space, whose bands are of STAC 1.1', () => {
    const band = (key: string, name: string, common: string) =>
      asset(key, {
        bands: [{ name, 'eo:common_name': common }],
        'raster:scale': 0.0001,
        'raster:offset': -0.1,
        nodata: 0,
      })
    const properties = {
      platform: 'sentinel-2b',
      'grid:code': 'MGRS-05QKB',
      'processing:version': '05.09',
      'proj:code': 'EPSG:32605',
    }
    const plan = planOf(
      'S2B_MSIL2A_20230601T105621_N0509_R094_T05QKB_20230601T140000',
      properties,
      band('B04_10m', 'B04', 'red'),
      band('B08_10m', 'B08', 'nir'),
      asset('SCL_20m'),
    )
    expect(readOf(plan)).toEqual(['B04_10m', 'B08_10m', 'SCL_20m', 0.0001, -0.1, 'MGRS-5QKB', '05.09'])
    expect(plan.epsg).toBe(32605)
  })

  it('USGS, with Landsat 8 by common names', () => {
    const properties = {
      platform: 'LANDSAT_8',
      'landsat:correction': 'L2SP',
      'landsat:collection_number': '02',
      'landsat:wrs_path': '8',
      'landsat:wrs_row': '059',
    }
    const plan = planOf(
      'LC08_L2SP_008059_20230601_20230607_02_T1_SR',
      properties,
      named('red', 'red', 'OLI_B4'),
      named('nir08', 'nir08', 'OLI_B5'),
      asset('qa_pixel'),
    )
    expect(readOf(plan)).toEqual(['red', 'nir08', 'qa_pixel', 0.0000275, -0.2, 'WRS2-008059', '02'])
    expect(plan.identity).toMatch(/^landsat-8_20230601T105621Z_/)
  })

  it('Landsat with a scale and no offset: the offset of the product does not belong to the scale of the item', () => {
    const properties = { platform: 'landsat-8', 'landsat:correction': 'L2SP', 'landsat:collection_number': '02' }
    const bands = [{ 'raster:bands': [{ scale: 0.0001 }] }].flatMap(said => [
      asset('red', { ...said, 'eo:bands': [{ name: 'OLI_B4', common_name: 'red' }] }),
      asset('nir08', { ...said, 'eo:bands': [{ name: 'OLI_B5', common_name: 'nir08' }] }),
    ])
    const { red } = planOf('LC08_L2SP_008059_20230601_20230607_02_T1_SR', properties, ...bands).bands
    expect([red.scale?.value, red.offset?.value]).toEqual([0.0001, 0])
  })

  it('Planetary Computer, whose asset qa is not the mask of Landsat', () => {
    const properties = { platform: 'landsat-7', 'landsat:correction': 'L2SP', 'landsat:collection_number': '02' }
    const bands = [named('red', 'red', 'ETM_B3'), named('nir08', 'nir08', 'ETM_B4')]
    const quality = asset('qa', { title: 'Surface Temperature Quality Assessment Band' })
    const id = 'LE07_L2SP_191028_20030601_02_T1'
    expect(planOf(id, properties, quality, ...bands, asset('qa_pixel')).mask?.href).toMatch(/qa_pixel\.tif/)
    expect(planOf(id, properties, quality, ...bands).mask).toBeNull()
    const other = asset('quality', { href: `https://example.org/${id}_QA_PIXEL.TIF?token=a` })
    expect(planOf(id, properties, quality, ...bands, other).mask).toMatchObject({ kind: 'qa_pixel' })
  })

  it('a provider that names the coordinates at the assets, and no data in words', () => {
    const said = { 'proj:code': 'EPSG:32733', 'raster:bands': [{ scale: 1, nodata: '-inf' }] }
    const plan = planOf('x', {}, asset('red', said), asset('nir', said))
    expect(plan.epsg).toBe(32733)
    expect(plan.bands.red.nodata?.value).toBe(-Infinity)
  })

  it.each([
    ['landsat-9', 'SR_B4', 'SR_B5'],
    ['landsat-7', 'SR_B3', 'SR_B4'],
    ['landsat-5', 'SR_B3', 'SR_B4'],
  ])('bands of %s by their numbers, which differ by sensor', (platform, red, nir) => {
    const assets = [1, 2, 3, 4, 5, 7].map(number => asset(`SR_B${number}`))
    const plan = planOf('LX_L2SP_008059_20230601_20230607_02_T1_SR', { platform }, ...assets)
    expect(readOf(plan).slice(0, 5)).toEqual([red, nir, null, 0.0000275, -0.2])
  })

  it.each([
    ['HLS.L30.T05QKB.2023152T105621.v2.0', 'B05'],
    ['HLS.S30.T05QKB.2023152T105621.v2.0', 'B08'],
  ])('HLS, by its own scale and the sensor of the scene: %s', (id, nir) => {
    const bands = ['B02', 'B03', 'B04', 'B05', 'B08', 'B8A', 'Fmask'].map(key => asset(key))
    const plan = planOf(id, {}, ...bands)
    expect(readOf(plan)).toEqual(['B04', nir, 'Fmask', 0.0001, 0, 'MGRS-5QKB', null])
    expect(plan.bands.red.nodata?.value).toBe(-9999)
  })

  it.each([
    ['sentinel-2b', { 's2:processing_baseline': '04.00' }, -0.1],
    ['sentinel-2b', { 's2:processing_baseline': '03.01' }, 0],
    ['sentinel-2b', { 's2:processing_baseline': 5.1 }, -0.1],
    ['sentinel-2b', { 'sentinel:product_id': 'S2B_MSIL2A_20230601T105621_N0400_R094_T05QKB_x' }, -0.1],
    ['sentinel-2b', { 'sentinel:product_id': 'S2B_MSIL2A_20230601T105621_N0301_R094_T05QKB_x' }, 0],
  ])('the offset of %s follows %j', (platform, properties, offset) => {
    expect(planOf('x', { platform, ...properties }, ...BANDS_OF_10_M).bands.red.offset?.value).toBe(offset)
  })

  it('one scene of two providers is one image', () => {
    const one = planOf('a', { platform: 'Sentinel-2B', 's2:mgrs_tile': '05QKB' }, ...BANDS_OF_10_M)
    const other = planOf('b', { platform: 'sentinel-2b', 'grid:code': 'MGRS-5QKB' }, ...BANDS_OF_10_M)
    expect(other.identity).toBe(one.identity)
  })

  it('an item with JPEG 2000 only is refused, with what to do', () => {
    const jpeg = {
      B04_10m: { href: 's3://eodata/B04_10m.jp2', type: 'image/jp2', bands: [{ 'eo:common_name': 'red' }] },
    }
    expect(() => planOf('x', { platform: 'sentinel-2b' }, jpeg)).toThrow(
      /item\.json: no GeoTIFF asset is the red band; .*JPEG 2000 is not read: convert .* give --red FILE/,
    )
  })
})
