import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import { ImageError } from '../errors.ts'

/** Class names by the values of a class map. */
export type Legend = ReadonlyMap<number, string>

/** ESA WorldCover 10 m, v200. */
const WORLDCOVER: Legend = new Map([
  [10, 'Tree cover'],
  [20, 'Shrubland'],
  [30, 'Grassland'],
  [40, 'Cropland'],
  [50, 'Built-up'],
  [60, 'Bare / sparse vegetation'],
  [70, 'Snow and ice'],
  [80, 'Permanent water bodies'],
  [90, 'Herbaceous wetland'],
  [95, 'Mangroves'],
  [100, 'Moss and lichen'],
])

/** Dynamic World v1, band `label`. */
const DYNAMIC_WORLD: Legend = new Map([
  [0, 'Water'],
  [1, 'Trees'],
  [2, 'Grass'],
  [3, 'Flooded vegetation'],
  [4, 'Crops'],
  [5, 'Shrub and scrub'],
  [6, 'Built'],
  [7, 'Bare'],
  [8, 'Snow and ice'],
])

/** CORINE Land Cover, level 3, by its raster's values 1 to 44. */
const CORINE: Legend = new Map(
  [
    'Continuous urban fabric',
    'Discontinuous urban fabric',
    'Industrial or commercial units',
    'Road and rail networks and associated land',
    'Port areas',
    'Airports',
    'Mineral extraction sites',
    'Dump sites',
    'Construction sites',
    'Green urban areas',
    'Sport and leisure facilities',
    'Non-irrigated arable land',
    'Permanently irrigated land',
    'Rice fields',
    'Vineyards',
    'Fruit trees and berry plantations',
    'Olive groves',
    'Pastures',
    'Annual crops associated with permanent crops',
    'Complex cultivation patterns',
    'Agriculture with significant areas of natural vegetation',
    'Agro-forestry areas',
    'Broad-leaved forest',
    'Coniferous forest',
    'Mixed forest',
    'Natural grasslands',
    'Moors and heathland',
    'Sclerophyllous vegetation',
    'Transitional woodland-shrub',
    'Beaches, dunes, sands',
    'Bare rocks',
    'Sparsely vegetated areas',
    'Burnt areas',
    'Glaciers and perpetual snow',
    'Inland marshes',
    'Peat bogs',
    'Salt marshes',
    'Salines',
    'Intertidal flats',
    'Water courses',
    'Water bodies',
    'Coastal lagoons',
    'Estuaries',
    'Sea and ocean',
  ].map((name, index) => [index + 1, name]),
)

const LEGENDS: Record<string, Legend> = { worldcover: WORLDCOVER, dynamicworld: DYNAMIC_WORLD, corine: CORINE }
export const LEGEND_NAMES = Object.keys(LEGENDS)

/**
 * Returns a legend by its name, or reads it from a CSV file with the columns `code` and `class_name`. @throws
 * ImageError
 */
export async function readLegend(nameOrPath: string): Promise<Legend> {
  const known = LEGENDS[nameOrPath.toLowerCase()]
  if (known) return known
  const text = await readFile(nameOrPath, 'utf8').catch(error => {
    throw new ImageError(
      `${nameOrPath}: is neither a legend (${LEGEND_NAMES.join(', ')}) nor a file that can be opened (${(error as NodeJS.ErrnoException).code})`,
    )
  })
  const rows = parse(text, { columns: true, bom: true, skip_empty_lines: true, trim: true }) as Record<string, string>[]
  const legend = new Map<number, string>()
  for (const [index, { code = '', class_name: name = '' }] of rows.entries()) {
    if (!/^\d+$/.test(code) || name === '') {
      throw new ImageError(
        `${nameOrPath}, row ${index + 2}: needs a whole number as code and a class_name, 10,Forest say`,
      )
    }
    legend.set(Number(code), name)
  }
  if (legend.size === 0) throw new ImageError(`${nameOrPath}: has no rows; give the columns code and class_name`)
  return legend
}
