import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { multiPolygonWkb } from '../../functions/images/output/wkb.ts'
import { projectionOf } from '../../functions/images/sites/projection.ts'
import { readSites } from '../../functions/images/sites/read-sites.ts'
import { writeParquet } from '../../functions/parquet/write.ts'
import { writeShapefile } from '../support/shapefile.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const FIELDS = { siteId: 'site_id', className: 'class_name' }
const UTM_33 =
  'PROJCS["WGS_1984_UTM_Zone_33N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",15.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
const RING = [
  [1, 2],
  [3, 2],
  [3, 5],
] as const

function feature(geometry: unknown, properties: Record<string, unknown> = {}) {
  return { type: 'Feature', properties: { site_id: 'a', class_name: 'Forest', ...properties }, geometry }
}

function polygon(ring: readonly (readonly number[])[] = RING) {
  return { type: 'Polygon', coordinates: [[...ring, ring[0]]] }
}

function geoJson(features: unknown[], others: Record<string, unknown> = {}): string {
  const path = join(temporaryFolder(), 'fields.geojson')
  writeFileSync(path, JSON.stringify({ type: 'FeatureCollection', ...others, features }))
  return path
}

describe('sites are read', () => {
  it('from GeoJSON: polygons and multipolygons, with heights or without', async () => {
    const high = polygon(RING.map(place => [...place, 100]))
    const multi = { type: 'MultiPolygon', coordinates: [polygon().coordinates, high.coordinates] }
    const path = geoJson([feature(polygon()), feature(high, { site_id: 7 }), feature(multi, { site_id: 'm' })])
    await expect(readSites(path, FIELDS)).resolves.toEqual({
      sites: [
        { id: 'a', className: 'Forest', polygons: [[RING]] },
        { id: '7', className: 'Forest', polygons: [[RING]] },
        { id: 'm', className: 'Forest', polygons: [[RING], [RING]] },
      ],
      withoutArea: 0,
    })
  })

  it('from GeoJSON that begins with a byte order mark', async () => {
    const path = geoJson([feature(polygon())])
    writeFileSync(path, `\uFEFF${readFileSync(path, 'utf8')}`)
    await expect(readSites(path, FIELDS)).resolves.toMatchObject({ sites: [{ id: 'a' }] })
  })

  it('by other names of the attributes', async () => {
    const path = geoJson([feature(polygon(), { nr: 12, crop: 'Pasture' })])
    const { sites } = await readSites(path, { siteId: 'nr', className: 'crop' })
    expect(sites).toMatchObject([{ id: '12', className: 'Pasture' }])
  })

  it('without points and broken outlines, which are counted', async () => {
    const point = { type: 'Point', coordinates: [1, 2] }
    const broken = {
      type: 'Polygon',
      coordinates: [
        [
          [1, 2],
          [3, null],
          [4, 5],
        ],
      ],
    }
    const path = geoJson([feature(point), feature(null), feature(broken), feature(polygon())])
    await expect(readSites(path, FIELDS)).resolves.toMatchObject({ sites: [{ id: 'a' }], withoutArea: 3 })
  })

  it('from GeoParquet with WKB', async () => {
    const path = join(temporaryFolder(), 'fields.parquet')
    const columns = [
      { name: 'site_id', type: 'STRING' as const, of: () => 'p' },
      { name: 'class_name', type: 'STRING' as const, of: () => 'Forest' },
      { name: 'geometry', type: 'BYTES' as const, of: () => multiPolygonWkb([[RING]]) },
    ]
    const geo = (encoding: string) => ({
      geo: JSON.stringify({ primary_column: 'geometry', columns: { geometry: { encoding } } }),
    })
    writeFileSync(path, writeParquet(columns, [null], geo('WKB')))
    const { sites } = await readSites(path, FIELDS)
    expect(sites).toEqual([{ id: 'p', className: 'Forest', polygons: [[RING]] }])
    writeFileSync(path, writeParquet(columns, [null], geo('multipolygon')))
    await expect(readSites(path, FIELDS)).rejects.toThrow(/fields\.parquet: .*geoarrow/)
  })

  describe('from a shapefile', () => {
    const outer = [
      [1, 1],
      [1, 9],
      [9, 9],
      [9, 1],
      [1, 1],
    ] as const
    const hole = [
      [3, 3],
      [5, 3],
      [5, 5],
      [3, 5],
      [3, 3],
    ] as const
    const attributes = { site_id: 'field 1', class_name: 'Pasture' }

    it('with its holes and attributes', async () => {
      const path = join(temporaryFolder(), 'fields')
      writeShapefile(path, [{ rings: [outer, hole], attributes }])
      const [site, ...others] = (await readSites(`${path}.shp`, FIELDS)).sites
      expect(others).toEqual([])
      expect(site).toMatchObject({ id: 'field 1', className: 'Pasture' })
      // The library takes degrees to radians and back.
      const rounded = site?.polygons.map(rings =>
        rings.map(ring => ring.map(place => place.map(each => Number(each.toFixed(9))))),
      )
      expect(rounded).toEqual([[outer.slice(0, 4), hole.slice(0, 4)]])
    })

    it('in metres of a UTM zone, by its .prj', async () => {
      const path = join(temporaryFolder(), 'fields')
      const metres = outer.map(([x, y]) => [500_000 + 10 * x, 4_000_000 + 10 * y] as const)
      writeShapefile(path, [{ rings: [metres], attributes }], UTM_33)
      const [site] = (await readSites(`${path}.shp`, FIELDS)).sites
      const { toPixel } = projectionOf(
        { epsg: 32633, transform: [10, 0, 500_000, 0, -10, 4_000_100], width: 10, height: 10 },
        'a scene',
      )
      const [x, y] = toPixel(site?.polygons[0]?.[0]?.[0] ?? [0, 0])
      expect([x, y].map(place => Math.round(place * 1e4) / 1e4)).toEqual([1, 9])
    })

    it('without a coordinate system is refused', async () => {
      const path = join(temporaryFolder(), 'fields')
      writeShapefile(path, [{ rings: [outer], attributes }])
      rmSync(`${path}.prj`)
      await expect(readSites(`${path}.shp`, FIELDS)).rejects.toThrow(/fields\.shp: has no \.prj/)
    })

    it('that is cut off is refused', async () => {
      const path = join(temporaryFolder(), 'fields')
      writeShapefile(path, [{ rings: [outer], attributes }])
      writeFileSync(`${path}.shp`, readFileSync(`${path}.shp`).subarray(0, 150))
      await expect(readSites(`${path}.shp`, FIELDS)).rejects.toThrow(/fields\.shp: /)
    })
  })

  it.each<[string, () => string, RegExp]>([
    ['without an id', () => geoJson([feature(polygon(), { site_id: null })]), /feature 1: has no site_id; .*--site-id/],
    [
      'without a class',
      () => geoJson([feature(polygon(), { class_name: '' })]),
      /feature 1: has no class_name; .*--class/,
    ],
    ['with one id twice', () => geoJson([feature(polygon()), feature(polygon())]), /feature 2: .*'a' as feature 1/],
    [
      'in metres',
      () =>
        geoJson([
          feature(
            polygon([
              [3e5, 2e6],
              [4e5, 2e6],
              [4e5, 3e6],
            ]),
          ),
        ]),
      /not a longitude and latitude/,
    ],
    [
      'in another system',
      () => geoJson([feature(polygon())], { crs: { properties: { name: 'urn:ogc:def:crs:EPSG::32629' } } }),
      /EPSG::32629/,
    ],
    ['without a polygon', () => geoJson([feature(null)]), /has no polygon/],
    ['that does not exist', () => join(temporaryFolder(), 'none.geojson'), /none\.geojson: cannot be opened/],
  ])('but not %s', async (_, path, message) => {
    await expect(readSites(path(), FIELDS)).rejects.toThrow(message)
  })
})
