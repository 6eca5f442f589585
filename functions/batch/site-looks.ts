import type { ImageEvent } from '../core/event.ts'
import { siteOf } from '../core/looks/look.ts'
import { compareText } from '../core/text-order.ts'
import { readParquet } from '../parquet/read.ts'
import { type Column, type ColumnType, writeParquet } from '../parquet/write.ts'

/** Look at a site: a counted event that says its site or its place. */
export interface SiteLook {
  /** UTC day on which it arrived, YYYY-MM-DD. */
  arrivalDay: string
  event: ImageEvent
}

/** Columns of looks and of the answer to data/sql/looks.sql, with the fields of the event. They are named like those of the archive. */
const FIELDS: readonly [column: string, field: keyof ImageEvent, type: ColumnType, isNullable?: boolean][] = [
  ['image_id', 'imageId', 'STRING', false],
  ['class_name', 'className', 'STRING', false],
  ['event_ms', 'eventMs', 'INT64', false],
  ['ndvi_mean_micro', 'ndviMean', 'INT32', false],
  ['ndvi_std_micro', 'ndviStd', 'INT32'],
  ['ndvi_min_micro', 'ndviMin', 'INT32'],
  ['ndvi_max_micro', 'ndviMax', 'INT32'],
  ['vegetation_index_micro', 'vegetationIndex', 'INT32'],
  ['red_mean_milli', 'red', 'INT32'],
  ['green_mean_milli', 'green', 'INT32'],
  ['blue_mean_milli', 'blue', 'INT32'],
  ['nir_mean_milli', 'nir', 'INT32'],
  ['brightness_mean_milli', 'brightness', 'INT32'],
  ['site_id', 'siteId', 'STRING'],
  ['lon_e7', 'lon', 'INT32'],
  ['lat_e7', 'lat', 'INT32'],
  ['pixels', 'pixels', 'INT32'],
  ['valid_fraction_micro', 'validFraction', 'INT32'],
  ['cloud_fraction_micro', 'cloudFraction', 'INT32'],
  ['scene_id', 'sceneId', 'STRING'],
  ['processing_version', 'processingVersion', 'STRING'],
  ['texture_contrast_micro', 'textureContrast', 'INT64'],
  ['texture_dissimilarity_micro', 'textureDissimilarity', 'INT32'],
  ['texture_homogeneity_micro', 'textureHomogeneity', 'INT32'],
  ['texture_energy_micro', 'textureEnergy', 'INT32'],
  ['texture_correlation_micro', 'textureCorrelation', 'INT32'],
  ['texture_entropy_micro', 'textureEntropy', 'INT32'],
]

/** Columns of a file of looks. */
export const LOOK_COLUMNS: readonly Column<SiteLook>[] = [
  { name: 'arrival_day', type: 'STRING', of: ({ arrivalDay }) => arrivalDay },
  ...FIELDS.map(([name, field, type, isNullable = true]): Column<SiteLook> => {
    const of = ({ event }: SiteLook) => {
      const value = event[field]
      return type === 'INT64' && value !== null ? BigInt(value) : value
    }
    return { name, type, of, ...(isNullable && { nullable: true as const }) }
  }),
]

/** Encodes looks as Parquet. The same looks give the same bytes, in any order. */
export function encodeLooks(looks: readonly SiteLook[]): Uint8Array {
  return writeParquet(LOOK_COLUMNS, looks.toSorted(compareSiteLooks))
}

/** Decodes a file of encodeLooks. */
export async function decodeLooks(bytes: Uint8Array): Promise<SiteLook[]> {
  return (await readParquet(bytes)).map(lookOfRow)
}

/** Decodes a row of a file, or of the answer to data/sql/looks.sql. */
export function lookOfRow(row: Record<string, unknown>): SiteLook {
  const fields = FIELDS.map(([column, field]) => {
    const value = row[column]
    if (value === undefined) throw new Error(`column ${column} is missing`)
    return [field, typeof value === 'bigint' ? Number(value) : value] as const
  })
  return { arrivalDay: row.arrival_day as string, event: Object.fromEntries(fields) as unknown as ImageEvent }
}

/** Site that a look is of: its id, or its cell. */
export function siteOfLook({ event }: SiteLook): string {
  return siteOf(event) as string
}

/** Order of looks by site, class, time and image. Only equal looks are equal in it. */
function compareSiteLooks(a: SiteLook, b: SiteLook): number {
  return (
    compareText(siteOfLook(a), siteOfLook(b)) ||
    compareText(a.event.className, b.event.className) ||
    a.event.eventMs - b.event.eventMs ||
    compareText(a.event.imageId, b.event.imageId) ||
    compareText(a.arrivalDay, b.arrivalDay) ||
    compareText(JSON.stringify(a.event), JSON.stringify(b.event))
  )
}
