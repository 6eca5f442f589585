import { formatTimestamp, parseTimestamp } from '../../core/time.ts'
import { MASK_KINDS, type MaskKind } from '../bands/mask.ts'
import type { BandName } from '../bands/scene-bands.ts'
import { ImageError } from '../errors.ts'
import type { BandPlan, ScenePlan } from './plan.ts'
import { scalingOf } from './scaling.ts'
import type { StacAsset, StacBand, StacItem } from './stac.ts'

/** Names of Sentinel-2's bands of 10 m, where an asset says no common name. */
const SENTINEL_2_BANDS: Record<BandName, string> = { blue: 'B02', green: 'B03', red: 'B04', nir: 'B08' }

const MASK_ASSETS: Record<MaskKind, RegExp> = {
  scl: /^scl$|^scl-|scene.?classification/i,
  qa_pixel: /^qa_pixel$|^qa$/i,
  fmask: /^fmask$/i,
}

/**
 * Reads from a STAC item which files to read, and how.
 *
 * @param text the item's JSON
 * @throws ImageError when it is no item, or lacks the time or a band
 */
export function planOfItem(text: string, name: string): ScenePlan {
  const item = parseItem(text, name)
  const { properties } = item
  const timestamp = timestampOf(properties, name)
  const band = (which: BandName) => bandPlanOf(item, which, name)
  const needed = (which: BandName): BandPlan => {
    const found = band(which)
    if (found) return found
    const has = Object.keys(item.assets).slice(0, 20).join(', ')
    throw new ImageError(`${name}: no GeoTIFF asset is the ${which} band; it has ${has}. Give --${which} FILE instead`)
  }
  const [green, blue] = [band('green'), band('blue')]
  const mask = maskOf(item)
  const gridCode = gridCodeOf(properties)
  const platform = textOf(properties.platform) ?? textOf(properties.constellation)
  return {
    sceneId: item.id,
    identity: [platform, timestamp, gridCode].some(part => part === null)
      ? item.id
      : `${platform}_${timestamp.replace(/[-:]|\.\d+/g, '')}_${gridCode}`,
    timestamp,
    processingVersion: versionOf(properties),
    epsg: epsgOf(properties, name),
    gridCode,
    bands: { red: needed('red'), nir: needed('nir'), ...(green && { green }), ...(blue && { blue }) },
    mask,
    notes: mask ? [] : ['no asset is a cloud mask that is known: every pixel with data counts'],
  }
}

function parseItem(text: string, name: string): StacItem {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ImageError(`${name}: is not JSON (${(error as Error).message}); give a STAC item`)
  }
  const { type, id, properties, assets } = (value ?? {}) as Record<string, unknown>
  if (type !== 'Feature' || typeof id !== 'string' || !isObject(properties) || !isObject(assets)) {
    throw new ImageError(`${name}: is no STAC item (a Feature with id, properties and assets); give one`)
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

function epsgOf(properties: StacItem['properties'], name: string): number | null {
  const code = textOf(properties['proj:code'])
  if (code === null) return typeof properties['proj:epsg'] === 'number' ? properties['proj:epsg'] : null
  const number = /^EPSG:(\d+)$/i.exec(code)?.[1]
  if (number === undefined) throw new ImageError(`${name}: its proj:code ${code} is no EPSG code; correct the item`)
  return Number(number)
}

function gridCodeOf(properties: StacItem['properties']): string | null {
  const code = textOf(properties['grid:code'])
  if (code) return code
  const tile = textOf(properties['s2:mgrs_tile'])
  if (tile) return `MGRS-${tile}`
  const [zone, band, square] = ['mgrs:utm_zone', 'mgrs:latitude_band', 'mgrs:grid_square'].map(key => properties[key])
  if (zone && band && square) return `MGRS-${zone}${band}${square}`
  const [path, row] = [textOf(properties['landsat:wrs_path']), textOf(properties['landsat:wrs_row'])]
  return path && row ? `WRS2-${path}${row}` : null
}

function versionOf(properties: StacItem['properties']): string | null {
  return (
    textOf(properties['s2:processing_baseline']) ??
    textOf(properties['processing:version']) ??
    textOf(properties['landsat:collection_number'])
  )
}

/** The asset of a band: one file per band before a file of several; never JPEG 2000, which is not read. */
function bandPlanOf(item: StacItem, which: BandName, name: string): BandPlan | null {
  const assets = Object.entries(item.assets).filter(([, asset]) => isTiff(asset))
  const isSingle = (asset: StacAsset) => bandsOf(asset).length <= 1
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
    places.find(({ key, band }) => SENTINEL_2_BANDS[which] === (textOf(band.name) ?? key).toUpperCase()) ??
    places.find(({ key }) => key.toLowerCase() === which) ??
    places.find(({ key, band }) => which === 'nir' && isLandsat(item) && isNir08(key, band))
  if (!found) return null
  const { asset, index } = found
  return { href: asset.href, band: index + 1, ...scalingOf(item, asset, index, name) }
}

function isTiff({ type = '', href }: StacAsset): boolean {
  return !/jp2|jpeg2000/i.test(`${type} ${href}`) && /tiff|^$/i.test(type) && !/\.(json|xml|png|jpe?g)$/i.test(href)
}

/** A picture for people has bands as well, stretched to 8 bits. */
function isReflectance({ roles }: StacAsset): boolean {
  return !Array.isArray(roles) || !roles.some(role => ['visual', 'overview', 'thumbnail'].includes(String(role)))
}

function bandsOf(asset: StacAsset): StacBand[] {
  return asset['eo:bands'] ?? asset.bands ?? []
}

function commonNameOf(band: StacBand): string | null {
  return textOf(band.common_name) ?? textOf(band['eo:common_name'])
}

/** Sentinel-2's band 8A is near infrared as well, of 20 m. */
function isNarrowNir(key: string, band: StacBand): boolean {
  return /8A$/i.test(key) || /8A$/i.test(textOf(band.name) ?? '')
}

function isNir08(key: string, band: StacBand): boolean {
  return commonNameOf(band) === 'nir08' || /^(nir08|B0?5|SR_B5)$/i.test(key)
}

function isLandsat({ properties }: StacItem): boolean {
  return /landsat/i.test(`${properties.platform} ${properties.constellation}`)
}

function maskOf(item: StacItem): ScenePlan['mask'] {
  for (const kind of MASK_KINDS) {
    const found = Object.entries(item.assets).find(([key, asset]) => MASK_ASSETS[kind].test(key) && isTiff(asset))
    if (found) return { href: found[1].href, kind, why: `asset ${found[0]} of the item` }
  }
  return null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
