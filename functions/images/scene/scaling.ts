import { ImageError } from '../errors.ts'
import type { BandPlan, Said } from './plan.ts'
import type { StacAsset, StacItem } from './stac.ts'

/**
 * Returns scale and offset, which convert an asset's digital numbers to reflectance: first from the asset itself, then
 * from what is known about the product. Null if neither is known; then the tags of the file must have them.
 *
 * @param index band within the asset, from 0
 */
export function scalingOf(
  item: StacItem,
  asset: StacAsset,
  index: number,
  name: string,
): Pick<BandPlan, 'scale' | 'offset' | 'nodata'> {
  const own = {
    scale: numberOf(asset, index, 'scale', name),
    offset: numberOf(asset, index, 'offset', name),
    nodata: nodataOf(asset, index),
  }
  const nodata = own.nodata !== null ? { value: own.nodata, why: 'the item' } : null
  const said = { scale: saidByItem(own.scale), offset: saidByItem(own.offset), nodata }
  if (isSentinel2(item)) return ofSentinel2(item, said)
  if (isLandsatCollection2(item)) {
    const why = 'Landsat Collection 2 Level 2; the item states nothing else'
    return {
      scale: said.scale ?? { value: 0.0000275, why },
      offset: said.offset ?? { value: said.scale === null ? -0.2 : 0, why },
      nodata: nodata ?? { value: 0, why: 'Landsat' },
    }
  }
  if (isHls(item)) {
    const why = 'HLS; the item states nothing else'
    return {
      scale: said.scale ?? { value: 0.0001, why },
      offset: said.offset ?? { value: 0, why },
      nodata: nodata ?? { value: -9999, why: 'HLS' },
    }
  }
  // When an item states a scale but no offset, the offset is 0.
  if (said.scale && !said.offset) return { ...said, offset: { value: 0, why: 'the item states only a scale' } }
  return said
}

function ofSentinel2(item: StacItem, said: Pick<BandPlan, 'scale' | 'offset' | 'nodata'>): typeof said {
  const { properties } = item
  const applied = properties['earthsearch:boa_offset_applied'] ?? properties['sentinel:boa_offset_applied']
  const baseline = baselineOf(item)
  const scale = said.scale ?? { value: 0.0001, why: 'Sentinel-2' }
  const nodata = said.nodata ?? { value: 0, why: 'Sentinel-2' }
  if (applied === true) {
    return { scale, nodata, offset: { value: 0, why: 'the provider has applied the offset (boa_offset_applied)' } }
  }
  if (said.offset) return { scale, nodata, offset: said.offset }
  // The tags of the file may have them; a file without them is refused.
  if (baseline === null) return said
  const offset =
    Number(baseline) >= 4
      ? { value: -0.1, why: `baseline ${baseline} (04.00 or newer); the item states no offset` }
      : { value: 0, why: `baseline ${baseline}, before offsets came with 04.00` }
  return { scale, nodata, offset }
}

/** Recognises HLS, which is made from Sentinel-2 and Landsat scenes, but has its own scale. */
function isHls({ id }: StacItem): boolean {
  return /^HLS/i.test(id)
}

/** Returns true for a scene of Sentinel-2 itself, not for one that HLS has harmonised. */
export function isSentinel2(item: StacItem): boolean {
  const { platform, constellation } = item.properties
  return !isHls(item) && /sentinel-?2/i.test(`${platform} ${constellation}`)
}

function isLandsatCollection2(item: StacItem): boolean {
  const { platform, constellation, ...rest } = item.properties
  const isLevel2 = /L2S[PR]/.test(`${rest['landsat:correction']} ${item.id}`)
  const isCollection2 = rest['landsat:collection_number'] === '02' || /_02_T\d/.test(item.id)
  return !isHls(item) && /landsat/i.test(`${platform} ${constellation}`) && isLevel2 && isCollection2
}

/** The processing baseline, `05.09` for example: as the item says it, or as the product's name does (`…_N0509_…`). */
export function baselineOf({ id, properties }: StacItem): string | null {
  const said = ['s2:processing_baseline', 'sentinel:processing_baseline'].map(key => properties[key])
  const names = [properties['s2:product_uri'], properties['sentinel:product_id'], id]
  for (const value of [...said, ...names, properties['processing:version']]) {
    const [, whole, part] =
      /^N?(\d{1,2})\.?(\d{2})$|_N(\d{2})(\d{2})_/
        .exec(typeof value === 'number' ? value.toFixed(2) : String(value))
        ?.filter(Boolean) ?? []
    if (whole && part) return `${whole.padStart(2, '0')}.${part}`
  }
  return null
}

/** Reads a number from `raster:bands` (STAC 1.0), or from the band or the asset itself (STAC 1.1). */
function fieldOf(asset: StacAsset, index: number, field: string): unknown {
  return (
    asset['raster:bands']?.[index]?.[field] ??
    asset.bands?.[index]?.[`raster:${field}`] ??
    asset.bands?.[index]?.[field] ??
    asset[`raster:${field}`] ??
    asset[field]
  )
}

function numberOf(asset: StacAsset, index: number, field: 'scale' | 'offset', name: string): number | null {
  const value = fieldOf(asset, index, field)
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new ImageError(`${name}: the ${field} of ${asset.href} is not a number; correct the item`)
}

const STAC_WORDS: Record<string, number> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity }

function nodataOf(asset: StacAsset, index: number): number | null {
  const value = fieldOf(asset, index, 'nodata')
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || value.trim() === '') return null
  // STAC writes what JSON has no number for in words.
  const text = value.trim().toLowerCase()
  const number = STAC_WORDS[text] ?? Number(text)
  return Number.isNaN(number) && text !== 'nan' ? null : number
}

function saidByItem(value: number | null): Said<number> | null {
  return value === null ? null : { value, why: 'the item' }
}
