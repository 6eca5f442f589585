import type { MaskKind } from '../bands/mask.ts'
import { BAND_NAMES, type BandName } from '../bands/scene-bands.ts'

/** Value with the reason why it is used, for --explain. */
export interface Said<Value> {
  value: Value
  why: string
}

/** Properties of a band before its file is opened. Null: the tags of the file must have the value. */
export interface BandPlan {
  /** Path or address, as it was given. */
  href: string
  /** Counted from 1. */
  band: number
  scale: Said<number> | null
  offset: Said<number> | null
  nodata: Said<number | null> | null
}

/** Properties of a scene before its files are opened. */
export interface ScenePlan {
  /** The scene's id: the item's id. */
  sceneId: string
  /**
   * Identity of the acquisition without the processing version. All copies and later versions of the scene share it.
   */
  identity: string
  /** Event time, ISO 8601. */
  timestamp: string
  processingVersion: string | null
  epsg: number | null
  /** Code of the grid that the scene is cut to, `MGRS-29RKH` for example. */
  gridCode: string | null
  bands: Partial<Record<BandName, BandPlan>> & Record<'red' | 'nir', BandPlan>
  mask: { href: string; kind: MaskKind; why: string } | null
  /** Notes for people about how the item was read. */
  notes: string[]
}

/** Applies a change to each band of a plan. */
export function withBands(plan: ScenePlan, change: (band: BandPlan, name: BandName) => BandPlan): ScenePlan {
  const bands = { ...plan.bands }
  for (const name of BAND_NAMES) {
    const band = bands[name]
    if (band) bands[name] = change(band, name)
  }
  return { ...plan, bands }
}
