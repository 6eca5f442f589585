import type { MaskKind } from '../bands/mask.ts'
import { BAND_NAMES, type BandName } from '../bands/scene-bands.ts'

/** A value, and why it is used: what --explain says. */
export interface Said<Value> {
  value: Value
  why: string
}

/** What is known of a band before its file is opened. Null: the file's tags have to say it. */
export interface BandPlan {
  /** Path or address, as it was given. */
  href: string
  /** Counted from 1. */
  band: number
  scale: Said<number> | null
  offset: Said<number> | null
  nodata: Said<number | null> | null
}

/** What is known of a scene before its files are opened. */
export interface ScenePlan {
  /** The scene's id: the item's id. */
  sceneId: string
  /** The acquisition without the processing version: the same for every copy and every later version of the scene. */
  identity: string
  /** Event time, ISO 8601. */
  timestamp: string
  processingVersion: string | null
  epsg: number | null
  /** Code of the grid that the scene is cut to, `MGRS-29RKH` for example. */
  gridCode: string | null
  bands: Partial<Record<BandName, BandPlan>> & Record<'red' | 'nir', BandPlan>
  mask: { href: string; kind: MaskKind; why: string } | null
  /** What a person should know about how the item was read. */
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
