import { basename } from 'node:path'
import { formatTimestamp, parseTimestamp } from '../../core/time.ts'
import type { MaskKind } from '../bands/mask.ts'
import { BAND_NAMES, type BandName } from '../bands/scene-bands.ts'
import { ImageError } from '../errors.ts'
import { type BandPlan, type ScenePlan, withBands } from './plan.ts'

/** Flags that describe a scene instead of an item, or that override it. */
export interface SceneFlags {
  /** `FILE`, or `FILE:BAND` with a band number from 1. */
  bands: Partial<Record<BandName, string>>
  scale: number | null
  offset: number | null
  /** 'none': the nodata value of the files is ignored. */
  nodata: number | 'none' | null
  mask: { file: string; kind: MaskKind } | null
  timestamp: string | null
  epsg: number | null
}

/** Makes a plan from flags. @throws ImageError when a band or the time is missing */
export function planOfFlags(flags: SceneFlags): ScenePlan {
  const { red, nir } = flags.bands
  if (red === undefined || nir === undefined) {
    throw new ImageError('a scene needs a red and a near infrared band: give an item, or --red FILE and --nir FILE')
  }
  if (flags.timestamp === null) {
    throw new ImageError(
      'the time when the scene was taken is not known: give --timestamp, 2020-02-19T11:00:00Z for example',
    )
  }
  const timestamp = timeOf(flags.timestamp)
  const sceneId = basename(fileOf(red).href).replace(/\.[^.]+$/, '')
  const bands = { ...bandsOfFlags(flags), red: emptyBand(red), nir: emptyBand(nir) }
  return planWithFlags(
    {
      sceneId,
      identity: `${sceneId}_${timestamp.replace(/[-:]|\.\d+/g, '')}`,
      timestamp,
      processingVersion: null,
      epsg: null,
      gridCode: null,
      bands,
      mask: null,
      notes: flags.mask ? [] : ['no --mask: every pixel with data counts'],
    },
    flags,
  )
}

/** The bands whose files flags name. The item's statements about other files do not hold for them. */
export function bandsOfFlags({ bands }: Pick<SceneFlags, 'bands'>): Partial<Record<BandName, BandPlan>> {
  const named: Partial<Record<BandName, BandPlan>> = {}
  for (const name of BAND_NAMES) {
    const file = bands[name]
    if (file !== undefined) named[name] = emptyBand(file)
  }
  return named
}

/** A plan, whose bands come from `bandsOfFlags` where flags name them, with what else the flags say put over it. */
export function planWithFlags(plan: ScenePlan, flags: SceneFlags): ScenePlan {
  const why = 'flag'
  const { scale, offset, nodata, mask } = flags
  const changed = withBands(plan, band => ({
    ...band,
    scale: scale === null ? band.scale : { value: scale, why },
    offset: offset === null ? band.offset : { value: offset, why },
    nodata: nodata === null ? band.nodata : { value: nodata === 'none' ? null : nodata, why },
  }))
  return {
    ...changed,
    epsg: flags.epsg ?? plan.epsg,
    timestamp: flags.timestamp === null ? plan.timestamp : timeOf(flags.timestamp),
    mask: mask ? { href: mask.file, kind: mask.kind, why } : plan.mask,
    notes: mask ? [] : plan.notes,
  }
}

function emptyBand(text: string): BandPlan {
  return { ...fileOf(text), scale: null, offset: null, nodata: null }
}

function fileOf(text: string): { href: string; band: number } {
  const [, file, band] = /^(.+):(\d+)$/.exec(text) ?? []
  return file === undefined ? { href: text, band: 1 } : { href: file, band: Number(band) }
}

/** Converts a time to the form of events. @throws ImageError when it is not a time */
export function timeOf(text: string): string {
  const ms = parseTimestamp(text)
  if (ms !== null) return formatTimestamp(ms)
  throw new ImageError(`--timestamp takes an ISO 8601 date and time, 2020-02-19T11:00:00Z for example, not '${text}'`)
}
