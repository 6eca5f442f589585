import { MASK_KINDS, type MaskKind } from '../images/bands/mask.ts'
import { LEGEND_NAMES } from '../images/classes/legend.ts'
import type { SceneFlags } from '../images/scene/flags.ts'
import { RULES } from '../images/zonal/observe-sites.ts'
import { type Flag, flagValue, UsageError } from './command.ts'
import { RUNTIME_FLAGS } from './runtime.ts'
import { SITE_FIELD_FLAGS } from './site-flags.ts'

const BAND_FLAG = { type: 'string', value: 'FILE[:BAND]' } as const

export const OBSERVE_FLAGS = {
  sites: {
    type: 'string',
    value: 'FILE',
    help: 'Polygons of the sites: .geojson, .parquet (GeoParquet) or .shp; by default those that npm run sites has stored',
  },
  ...SITE_FIELD_FLAGS,
  'classes-raster': { type: 'string', value: 'FILE', help: 'Map of land-cover classes, instead of sites' },
  legend: {
    type: 'string',
    value: `${LEGEND_NAMES.join('|')}|FILE.csv`,
    help: "Names of the map's values; a CSV has the columns code, class_name",
  },
  cell: { type: 'string', value: 'METRES', help: 'Side of the cells in which classes are observed, for example 1000' },
  'image-host': {
    type: 'string',
    multiple: true,
    value: 'HOST',
    help: "Host from which an item's images may be read; may be repeated. The item's own host is allowed",
  },
  out: {
    type: 'string',
    value: 'FILE',
    help: 'Writes the events to a .csv, .geojson or .parquet file, and publishes nothing',
  },
  watch: {
    type: 'string',
    value: 'FOLDER',
    help: 'Publishes each scene that is put into the folder, until it is stopped',
  },
  replace: {
    type: 'boolean',
    help: 'Lets a newer processing version of a scene replace the one that counts; otherwise the first stays',
  },
  ...RUNTIME_FLAGS,
  rule: {
    type: 'string',
    value: RULES.join('|'),
    default: 'coverage',
    help: 'Pixels of a site: weighted by the share that it covers, or all whose centre lies inside',
  },
  'min-valid': {
    type: 'string',
    value: 'PART',
    default: '0',
    help: 'Minimum share of a site that must be valid, 0 to 1',
  },
  texture: { type: 'boolean', help: 'Measures the texture (GLCM) of the NDVI as well' },
  explain: { type: 'boolean', help: 'Shows the scale, offset, nodata and mask of each band, and why' },
  red: { ...BAND_FLAG, help: 'Red band, when there is no item. For chips: its number' },
  nir: { ...BAND_FLAG, help: 'Near infrared band, like --red' },
  green: { ...BAND_FLAG, help: 'Green band' },
  blue: { ...BAND_FLAG, help: 'Blue band' },
  scale: { type: 'string', value: 'NUMBER', help: 'Reflectance is digital number * scale + offset' },
  offset: { type: 'string', value: 'NUMBER', help: 'Offset of all bands, see --scale' },
  nodata: { type: 'string', value: 'NUMBER|none', help: 'Digital number of pixels without data' },
  mask: { type: 'string', value: 'FILE', help: 'Cloud mask on the grid of the scene, or a coarser one' },
  'mask-kind': { type: 'string', value: MASK_KINDS.join('|'), help: 'What the values of the mask mean' },
  timestamp: { type: 'string', value: 'TIME', help: 'Time when the scene was taken, such as 2020-02-19T11:00:00Z' },
  epsg: { type: 'string', value: 'CODE', help: 'Coordinate system, when the files do not state it' },
} as const satisfies Record<string, Flag>

/** Values of the flags that `npm run observe` was called with. */
export type ObserveFlags = { [Name in keyof typeof OBSERVE_FLAGS]?: string | string[] | boolean | undefined }

/** Reads the flags that describe a scene. @throws UsageError */
export function sceneFlagsOf(flags: ObserveFlags): SceneFlags {
  const text = (name: keyof typeof OBSERVE_FLAGS) => flags[name] as string | undefined
  const number = (name: keyof typeof OBSERVE_FLAGS) => {
    const value = text(name)
    return value === undefined ? null : flagValue(name, value, text => numberOf(text, name === 'nodata'))
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

function numberOf(text: string, mayBeNaN: boolean): number {
  if (mayBeNaN && text.toLowerCase() === 'nan') return Number.NaN
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new Error(`takes a number, not '${text}'`)
  return value
}

/** Parses a number within bounds. @throws UsageError */
export function numberWithin(flag: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= least && value <= most) return value
  throw new UsageError(`--${flag} takes a number from ${least} to ${most}, not '${text}'`)
}

/** Parses one of some choices. @throws UsageError */
export function oneOf(flag: string, text: string, choices: readonly string[]): string {
  if (choices.includes(text)) return text
  throw new UsageError(`--${flag} takes ${choices.join(' or ')}, not '${text}'`)
}
