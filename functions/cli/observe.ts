import { readFile } from 'node:fs/promises'
import { MASK_KINDS, type MaskKind } from '../images/bands/mask.ts'
import { ImageError } from '../images/errors.ts'
import { observeScene, type Summary } from '../images/observe.ts'
import { formOf, writeObservations } from '../images/output/write-observations.ts'
import { planOfFlags, planWithFlags, type SceneFlags } from '../images/scene/flags.ts'
import { openFilesOf } from '../images/scene/local-source.ts'
import { openScene } from '../images/scene/open-scene.ts'
import type { ScenePlan } from '../images/scene/plan.ts'
import { planOfItem } from '../images/scene/stac-item.ts'
import { readSites } from '../images/sites/read-sites.ts'
import { openFile } from '../images/tiff/source.ts'
import { RULES, type Rule } from '../images/zonal/observe-sites.ts'
import { type Flag, flagValue, runCommand, UsageError } from './command.ts'
import { progressLine } from './progress.ts'

const BAND_FLAG = { type: 'string', value: 'FILE[:BAND]' } as const

const FLAGS = {
  sites: { type: 'string', value: 'FILE', help: 'Polygons of the sites: .geojson, .parquet (GeoParquet) or .shp' },
  'site-id': { type: 'string', value: 'FIELD', default: 'site_id', help: "Attribute that holds a site's id" },
  class: { type: 'string', value: 'FIELD', default: 'class_name', help: "Attribute that holds a site's class" },
  out: { type: 'string', value: 'FILE', help: 'Writes the events to a .csv, .geojson or .parquet file' },
  rule: {
    type: 'string',
    value: RULES.join('|'),
    default: 'coverage',
    help: 'Pixels of a site: by the share that it covers, or those whose centre lies inside',
  },
  'min-valid': { type: 'string', value: 'PART', default: '0', help: 'Part of a site that must be valid, 0 to 1' },
  texture: { type: 'boolean', help: 'Measures the texture (GLCM) of the NDVI as well' },
  explain: { type: 'boolean', help: 'Says which scale, offset, nodata and mask each band is read with, and why' },
  red: { ...BAND_FLAG, help: 'Red band; without an item' },
  nir: { ...BAND_FLAG, help: 'Near infrared band; without an item' },
  green: { ...BAND_FLAG, help: 'Green band' },
  blue: { ...BAND_FLAG, help: 'Blue band' },
  scale: { type: 'string', value: 'NUMBER', help: 'Reflectance is digital number * scale + offset' },
  offset: { type: 'string', value: 'NUMBER', help: 'Offset of all bands, see --scale' },
  nodata: { type: 'string', value: 'NUMBER|none', help: 'Digital number of pixels without data' },
  mask: { type: 'string', value: 'FILE', help: 'Cloud mask on the grid of the scene, or a coarser one' },
  'mask-kind': { type: 'string', value: MASK_KINDS.join('|'), help: 'What the values of the mask mean' },
  timestamp: { type: 'string', value: 'TIME', help: 'When the scene was taken, 2020-02-19T11:00:00Z' },
  epsg: { type: 'string', value: 'CODE', help: 'Coordinate system, where the files do not say it' },
} as const satisfies Record<string, Flag>

await runCommand(
  {
    usage: 'npm run observe -- [ITEM.json] --sites FILE --out FILE [flags]',
    summary:
      'Measures NDVI in satellite images (GeoTIFF): reads a scene, and writes the statistics of each site as events.\n' +
      'The scene is a STAC item whose files lie beside it, or bands that are named by flags.',
    flags: FLAGS,
    argument: true,
  },
  async (flags, item) => {
    const options = {
      rule: oneOf('rule', flags.rule, RULES) as Rule,
      texture: flags.texture === true,
      minValid: numberWithin('min-valid', flags['min-valid'], 0, 1),
    }
    if (flags.sites === undefined) throw new UsageError('--sites takes a file of polygons')
    if (flags.out === undefined && !flags.explain) throw new UsageError('--out takes the file to write events to')
    if (flags.out !== undefined) formOf(flags.out)
    const sceneFlags = sceneFlagsOf(flags)
    const plan = await planOf(item, sceneFlags)
    const open = await openScene(plan, sourcesOf(item, sceneFlags))
    const progress = progressLine(process.stderr)
    try {
      if (flags.explain) process.stdout.write(`${open.explanation.join('\n')}\n`)
      if (flags.out === undefined) return 0
      const read = await readSites(flags.sites, { siteId: flags['site-id'], className: flags.class })
      const onRows = (done: number, all: number) => progress.show(`${done} of ${all} rows`)
      const { observations, summary } = await observeScene(plan, open, read.sites, { ...options, onRows })
      progress.clear()
      await writeObservations(flags.out, observations, options)
      process.stdout.write(`${summaryLine(summary, read.sites.length, read.withoutArea)}; wrote ${flags.out}\n`)
      return observations.length > 0 ? 0 : 1
    } finally {
      progress.clear()
      await open.close()
    }
  },
)

async function planOf(item: string | undefined, flags: SceneFlags): Promise<ScenePlan> {
  if (item === undefined) return planOfFlags(flags)
  const text = await readFile(item, 'utf8').catch(error => {
    throw new ImageError(`${item}: cannot be opened (${(error as NodeJS.ErrnoException).code}); give a STAC item`)
  })
  return planWithFlags(planOfItem(text, item), flags)
}

function sourcesOf(item: string | undefined, { bands, mask }: SceneFlags) {
  const named = Object.values(bands).map(text => text.replace(/:\d+$/, ''))
  return item === undefined ? openFile : openFilesOf(item, new Set(mask ? [...named, mask.file] : named))
}

function sceneFlagsOf(
  flags: {
    [Name in keyof typeof FLAGS]?: string | boolean | undefined
  },
): SceneFlags {
  const text = (name: keyof typeof FLAGS) => flags[name] as string | undefined
  const number = (name: keyof typeof FLAGS) => {
    const value = text(name)
    return value === undefined ? null : flagValue(name, value, numberOf)
  }
  const [mask, kind] = [text('mask'), text('mask-kind')]
  if ((mask === undefined) !== (kind === undefined)) throw new UsageError('--mask and --mask-kind go together')
  const bands: SceneFlags['bands'] = {}
  for (const name of ['red', 'nir', 'green', 'blue'] as const) {
    const file = text(name)
    if (file !== undefined) bands[name] = file
  }
  return {
    bands,
    scale: number('scale'),
    offset: number('offset'),
    nodata: flags.nodata === 'none' ? 'none' : number('nodata'),
    mask: mask === undefined ? null : { file: mask, kind: oneOf('mask-kind', kind as string, MASK_KINDS) as MaskKind },
    timestamp: text('timestamp') ?? null,
    epsg: number('epsg'),
  }
}

function numberOf(text: string): number {
  if (text.toLowerCase() === 'nan') return Number.NaN
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new Error(`takes a number, not '${text}'`)
  return value
}

function numberWithin(flag: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= least && value <= most) return value
  throw new UsageError(`--${flag} takes a number from ${least} to ${most}, not '${text}'`)
}

function oneOf(flag: string, text: string, choices: readonly string[]): string {
  if (choices.includes(text)) return text
  throw new UsageError(`--${flag} takes ${choices.join(' or ')}, not '${text}'`)
}

function summaryLine(summary: Summary, sites: number, withoutArea: number): string {
  const parts = [
    `${summary.cloudy} cloudy`,
    `${summary.nothingValid} with nothing valid`,
    `${summary.outside} outside`,
    summary.tooLittleValid > 0 && `${summary.tooLittleValid} with too little valid`,
    withoutArea > 0 && `${withoutArea} features without an area left out`,
  ]
  return `observe: ${sites} sites, ${summary.observed} events; ${parts.filter(part => part !== false).join(', ')}`
}
