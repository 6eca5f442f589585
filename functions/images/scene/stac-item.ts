import { formatTimestamp, parseTimestamp } from '../../core/time.ts'
import { MASK_KINDS, type MaskKind } from '../bands/mask.ts'
import type { BandName } from '../bands/scene-bands.ts'
import { ImageError } from '../errors.ts'
import { withoutMark } from '../text.ts'
import type { BandPlan, ScenePlan } from './plan.ts'
import { baselineOf, isSentinel2, scalingOf } from './scaling.ts'
import type { StacAsset, StacBand, StacItem } from './stac.ts'

/** Numbers of bands by sensor, for assets without a common name. Of Sentinel-2 the bands of 10 m. */
const SENTINEL_2_NUMBERS: Record<BandName, number> = { blue: 2, green: 3, red: 4, nir: 8 }
/** Landsat 8 and 9, also in HLS. */
const LANDSAT_8_NUMBERS: Record<BandName, number> = { blue: 2, green: 3, red: 4, nir: 5 }
/** Landsat 4, 5 and 7. */
const THEMATIC_MAPPER_NUMBERS: Record<BandName, number> = { blue: 1, green: 2, red: 3, nir: 4 }

const JPEG_2000 = /jp2|jpeg2000|j2k/i

const MASK_ASSETS: Record<MaskKind, RegExp> = {
  scl: /^scl$|^scl[-_]|scene.?classification/i,
  qa_pixel: /^qa_pixel$/i,
  fmask: /^fmask$/i,
}

/** Names of the files of masks, before the extension and what a server adds to it. */
const MASK_FILES: Record<MaskKind, RegExp> = {
  scl: /[/_]SCL(_\d+m)?\.tiff?($|\?)/i,
  qa_pixel: /_QA_PIXEL\.tiff?($|\?)/i,
  fmask: /[._/]Fmask\.tiff?($|\?)/i,
}

/**
 * Reads from a STAC item which files to read, and how.
 *
 * @param text the item's JSON
 * @param given bands that the item need not have
 * @throws ImageError when it is not an item, or lacks the time or a band
 */
export function planOfItem(text: string, name: string, given: Partial<Record<BandName, BandPlan>> = {}): ScenePlan {
  const item = parseItem(text, name)
  const { properties } = item
  const timestamp = timestampOf(properties, name)
  const band = (which: BandName) => given[which] ?? bandPlanOf(item, which, name)
  const needed = (which: BandName) => band(which) ?? refuseWithout(item, which, name)
  const [red, nir, green, blue] = [needed('red'), needed('nir'), band('green'), band('blue')]
  const mask = maskOf(item)
  const gridCode = gridCodeOf(item)
  const platform = platformOf(properties)
  return {
    sceneId: item.id,
    identity: [platform, timestamp, gridCode].some(part => part === null)
      ? item.id
      : `${platform}_${timestamp.replace(/[-:]|\.\d+/g, '')}_${gridCode}`,
    timestamp,
    processingVersion: versionOf(item),
    epsg: epsgOf(properties, name) ?? epsgOf(assetOf(item, red), name),
    gridCode,
    bands: { red, nir, ...(green && { green }), ...(blue && { blue }) },
    mask,
    notes: mask ? [] : ['no asset is a cloud mask that is known: every pixel with data counts'],
  }
}

function parseItem(text: string, name: string): StacItem {
  let value: unknown
  try {
    value = JSON.parse(withoutMark(text))
  } catch (error) {
    throw new ImageError(`${name}: is not JSON (${(error as Error).message}); give a STAC item`)
  }
  const { type, id, properties, assets } = (value ?? {}) as Record<string, unknown>
  if (type !== 'Feature' || typeof id !== 'string' || !isObject(properties) || !isObject(assets)) {
    throw new ImageError(`${name}: is not a STAC item (a Feature with id, properties and assets); give one`)
  }
  for (const [key, asset] of Object.entries(assets)) {
    if (!isObject(asset) || typeof asset.href !== 'string') {
      throw new ImageError(`${name}: asset ${key} has no href; correct the item`)
    }
  }
  return { id, properties, assets: assets as Record<string, StacAsset> }
}

function timestampOf(properties: StacItem['properties'], name: string): string {
  const text = textOf(properties.datetime) ?? textOf(properties.start_datetime)
  const ms = text === null ? null : parseTimestamp(text)
  if (ms === null) throw new ImageError(`${name}: its datetime is missing or no time; correct the item`)
  return formatTimestamp(ms)
}

function refuseWithout({ assets }: StacItem, which: BandName, name: string): never {
  const has = Object.keys(assets).slice(0, 20).join(', ')
  const isJpeg2000 = Object.values(assets).some(asset => JPEG_2000.test(`${asset.type} ${asset.href}`))
  const advice = isJpeg2000
    ? `JPEG 2000 is not read: convert the band with gdal_translate, and give --${which} FILE, --scale and --offset`
    : `Give --${which} FILE, --scale and --offset instead`
  throw new ImageError(`${name}: no GeoTIFF asset is the ${which} band; it has ${has || 'no assets'}. ${advice}`)
}

/** The asset of a band; nothing if a flag names its file. */
function assetOf({ assets }: StacItem, { href }: BandPlan): Record<string, unknown> {
  return Object.values(assets).find(asset => asset.href === href) ?? {}
}

/** Reads the coordinate system from the properties of an item or an asset; null if they do not state it. */
function epsgOf(properties: Record<string, unknown>, name: string): number | null {
  const code = textOf(properties['proj:code'])
  if (code === null) {
    const number = Number(textOf(properties['proj:epsg']) ?? Number.NaN)
    return Number.isInteger(number) ? number : null
  }
  const number = /^EPSG:(\d+)$/i.exec(code)?.[1]
  if (number === undefined) throw new ImageError(`${name}: its proj:code ${code} is not an EPSG code; correct the item`)
  return Number(number)
}

/** Providers write one platform as `sentinel-2a`, `Sentinel-2A` or `LANDSAT_8`. */
function platformOf(properties: StacItem['properties']): string | null {
  const name = textOf(properties.platform) ?? textOf(properties.constellation)
  return name === null ? null : name.toLowerCase().replaceAll('_', '-')
}

function gridCodeOf({ id, properties }: StacItem): string | null {
  const code = textOf(properties['grid:code'])
  if (code && !code.startsWith('MGRS-')) return code
  const parts = (prefix: string) =>
    ['utm_zone', 'latitude_band', 'grid_square'].map(key => textOf(properties[`${prefix}:${key}`]) ?? '?').join('')
  const tiles = [code?.slice('MGRS-'.length), textOf(properties['s2:mgrs_tile']), parts('mgrs'), parts('sentinel'), id]
  for (const text of tiles) {
    // Zones are written with a leading zero or without.
    const [, zone, square] = /(?:^|[._]T?|^T)0?(\d{1,2})([C-X][A-Z]{2})(?=[._]|$)/.exec(text ?? '') ?? []
    if (zone) return `MGRS-${zone}${square}`
  }
  const [path, row] = [textOf(properties['landsat:wrs_path']), textOf(properties['landsat:wrs_row'])]
  return path && row ? `WRS2-${path.padStart(3, '0')}${row.padStart(3, '0')}` : null
}

function versionOf(item: StacItem): string | null {
  return (
    (isSentinel2(item) ? baselineOf(item) : null) ??
    textOf(item.properties['processing:version']) ??
    textOf(item.properties['landsat:collection_number'])
  )
}

/** Finds the asset of a band. Prefers a file of one band to a file of several. Ignores JPEG 2000, which is not read. */
function bandPlanOf(item: StacItem, which: BandName, name: string): BandPlan | null {
  const assets = Object.entries(item.assets).filter(([, asset]) => isTiff(asset))
  const isSingle = (asset: StacAsset) => bandsOf(asset).length <= 1
  const numbers = [bandNumbersOf(item)[which]]
  const places = [
    ...assets.filter(([, asset]) => isSingle(asset)),
    ...assets.filter(([, asset]) => !isSingle(asset) && isReflectance(asset)),
  ].flatMap(([key, asset]) => {
    const bands = bandsOf(asset)
    const index = isSingle(asset) ? 0 : bands.findIndex(band => commonNameOf(band) === which)
    return index < 0 ? [] : [{ key, asset, index, band: bands[index] ?? {} }]
  })
  const found =
    places.find(({ key, band }) => commonNameOf(band) === which && !isNarrowNir(key, band)) ??
    places.find(({ key, band }) => numbers.includes(bandNumberOf(textOf(band.name) ?? key))) ??
    places.find(({ key }) => key.toLowerCase() === which) ??
    places.find(({ key, band }) => which === 'nir' && isLandsat(item) && (commonNameOf(band) ?? key) === 'nir08')
  if (!found) return null
  const { asset, index } = found
  return { href: asset.href, band: index + 1, ...scalingOf(item, asset, index, name) }
}

function isTiff({ type = '', href }: StacAsset): boolean {
  return !JPEG_2000.test(`${type} ${href}`) && /tiff|^$/i.test(type) && !/\.(json|xml|png|jpe?g)$/i.test(href)
}

/** Returns false for a picture for people, which also has bands, but stretched to 8 bits. */
function isReflectance({ roles }: StacAsset): boolean {
  return !Array.isArray(roles) || !roles.some(role => ['visual', 'overview', 'thumbnail'].includes(String(role)))
}

function bandsOf(asset: StacAsset): StacBand[] {
  return asset['eo:bands'] ?? asset.bands ?? []
}

function commonNameOf(band: StacBand): string | null {
  return textOf(band.common_name) ?? textOf(band['eo:common_name'])
}

/** Recognises Sentinel-2's band 8A, which is also near infrared, but with pixels of 20 m. */
function isNarrowNir(key: string, band: StacBand): boolean {
  return /8A$/i.test(key) || /8A$/i.test(textOf(band.name) ?? '')
}

/** The number in a band's name: `B04`, `B4`, `SR_B4`, `B04_10m`. */
function bandNumberOf(name: string): number {
  return Number(/^(?:SR_)?B0?(\d{1,2})(?:_\d+m)?$/i.exec(name)?.[1] ?? Number.NaN)
}

function bandNumbersOf(item: StacItem): Record<BandName, number> {
  if (!isLandsat(item)) return SENTINEL_2_NUMBERS
  return /landsat.?[457]$/i.test(String(item.properties.platform)) ? THEMATIC_MAPPER_NUMBERS : LANDSAT_8_NUMBERS
}

function isLandsat({ id, properties }: StacItem): boolean {
  return /^HLS\.L30/i.test(id) || /landsat/i.test(`${properties.platform} ${properties.constellation}`)
}

/**
 * Finds the cloud mask by the asset's key, else by its file's name. An asset `qa` may be another quality band: of
 * Landsat's items it is that of the surface temperature.
 */
function maskOf(item: StacItem): ScenePlan['mask'] {
  const assets = Object.entries(item.assets).filter(([, asset]) => isTiff(asset))
  for (const kind of MASK_KINDS) {
    const found =
      assets.find(([key]) => MASK_ASSETS[kind].test(key)) ?? assets.find(([, { href }]) => MASK_FILES[kind].test(href))
    if (found) return { href: found[1].href, kind, why: `asset ${found[0]} of the item` }
  }
  return null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : null
}
