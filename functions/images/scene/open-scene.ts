import { MASK_MEANINGS } from '../bands/mask.ts'
import { BAND_NAMES, type BandName, joinBands, type SceneBand, type SceneBands } from '../bands/scene-bands.ts'
import { ImageError } from '../errors.ts'
import { openRaster, type Raster } from '../tiff/raster.ts'
import type { ByteSource } from '../tiff/source.ts'
import type { BandPlan, ScenePlan } from './plan.ts'

/** Open scene: its pixels, and a description of how they are read. */
export interface OpenScene {
  scene: SceneBands
  /** Lines of --explain. */
  explanation: string[]
  close(): Promise<void>
}

/** Opens the source for an href of the plan. */
export type OpenSource = (href: string) => Promise<ByteSource>

/** Opens the files of a plan. @throws ImageError for a file that cannot be read, or whose scale is unknown */
export async function openScene(plan: ScenePlan, openSource: OpenSource): Promise<OpenScene> {
  const rasters = new Map<string, Raster>()
  const close = async () => {
    for (const { source } of rasters.values()) await source.close()
  }
  const open = async (href: string) => {
    const raster = rasters.get(href) ?? (await openRaster(await openSource(href)))
    rasters.set(href, raster)
    return raster
  }
  try {
    const explanation = [`scene ${plan.sceneId}, taken ${plan.timestamp}`, ...plan.notes]
    const bands: Partial<Record<BandName, SceneBand>> = {}
    for (const name of BAND_NAMES) {
      const band = plan.bands[name]
      if (!band) continue
      const raster = await open(band.href)
      const resolved = resolveBand(band, raster)
      bands[name] = resolved.band
      explanation.push(`${name}: band ${band.band} of ${raster.name}; ${resolved.why}`)
    }
    const mask = plan.mask && { raster: await open(plan.mask.href), kind: plan.mask.kind }
    if (mask && plan.mask) {
      explanation.push(`mask: ${mask.raster.name} (${plan.mask.why}); ${MASK_MEANINGS[mask.kind]}`)
    }
    const scene = joinBands(bands as SceneBands['bands'], mask, plan.epsg)
    for (const name of ['red', 'nir'] as const) {
      if (scene.bands[name].raster.maskBlocks) explanation.push(`${name}: the mask inside its file counts as well`)
    }
    return { scene, explanation, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Combines what the item or the flags say about a band with what its file says. The item takes precedence. */
function resolveBand(plan: BandPlan, raster: Raster): { band: SceneBand; why: string } {
  const index = plan.band - 1
  const tagScale = raster.tagScales[index] ?? null
  const tagOffset = raster.tagOffsets[index] ?? null
  const byTags = (value: number) => ({ value, why: "the file's tags" })
  const scale = plan.scale ?? (tagScale === null ? null : byTags(tagScale))
  const offset =
    plan.offset ??
    (tagOffset !== null ? byTags(tagOffset) : scale && { value: 0, why: 'a scale without an offset has none' })
  if (!scale || !offset) {
    throw new ImageError(
      `${raster.name}: neither the item nor the file says how its digital numbers become reflectance; give --scale and --offset, 0.0001 and 0 for example`,
    )
  }
  const nodata = plan.nodata ?? {
    value: raster.nodata,
    why: raster.nodata === null ? 'not stated' : "the file's tags",
  }
  return {
    band: { raster, band: plan.band, scale: scale.value, offset: offset.value, nodata: nodata.value },
    why: [
      `scale ${scale.value} (${scale.why})`,
      `offset ${offset.value} (${offset.why})`,
      `nodata ${nodata.value ?? 'none'} (${nodata.why})`,
    ].join(', '),
  }
}
