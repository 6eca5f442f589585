import { ID_HEADERS } from './composed-id.ts'
import { GEOMETRY_HEADERS } from './geometry.ts'
import { isNdviHeader } from './ndvi-header.ts'
import { headerKey, PRESETS, withoutUnit } from './presets.ts'
import { FIELDS, type Field } from './rows.ts'

/** Headers that name a column of times, as `headerKey` spells them; the first that is there is taken. */
export const TIME_HEADERS = [
  ...[
    'timestamp',
    'time_stamp',
    'datetime',
    'date_time',
    'time',
    'date',
    'system_time_start',
    'event_time',
    'eventtime',
  ],
  ...['interval_from', 'acquisition_time', 'acquisition_date', 'acquired', 'acquired_at', 'sensing_time'],
  ...['sensing_date', 'observed_at', 'observation_date', 'obs_date', 'image_date', 'img_date', 'scene_date'],
  ...['calendar_date', 'time_start', 'start_time', 'datum', 'fecha', 'data_hora', 't', 'utc_time', 'date_utc'],
  ...['millis', 'start_date', 'startdate', 'startdatetime', 'start_datetime', 'acquisitiondate', 'sensingdate', 'dt'],
] as const

/** Other usual headers of fields, as `headerKey` spells them; the first that is there is taken. */
export const SYNONYMS: Partial<Record<Field, readonly string[]>> = {
  image_id: ['imageid', 'image', 'scene_id', 'product_id', 'image_filename', 'img_id'],
  class_name: ['classname', 'class', 'land_cover', 'landcover', 'lc_class', 'land_cover_class'],
  ndvi_std: ['ndvi_stdev', 'ndvi_stddev', 'std_ndvi', 'stddev_ndvi', 'ndvi_sd', 'ndvistd', 'ndvistddev'],
  ndvi_min: ['min_ndvi', 'ndvi_minimum', 'ndvimin', 'ndviminimum'],
  ndvi_max: ['max_ndvi', 'ndvi_maximum', 'ndvimax', 'ndvimaximum'],
  site_id: ['site', 'siteid', 'field_id', 'parcel_id', 'plot_id'],
  lon: ['longitude', 'long', 'lng'],
  lat: ['latitude'],
  pixels: ['pixel_count'],
  cloud_fraction: [
    ...['cloud', 'clouds', 'cloud_cover', 'cloudcover', 'cloud_percent', 'cloud_percentage', 'cloud_pct'],
    ...['eo_cloud_cover', 'cloudy_pixel_percentage', 'percent_cloud'],
  ],
  processing_version: ['processing_baseline'],
}

const WORDS: ReadonlySet<string> = new Set([
  ...FIELDS,
  ...Object.values(SYNONYMS).flat(),
  ...TIME_HEADERS,
  ...ID_HEADERS,
  ...GEOMETRY_HEADERS,
  ...PRESETS.flatMap(({ headers, columns }) => [...headers, ...Object.values(columns)]),
])

/**
 * Number of different cells that are known headers.
 *
 * @param named further headers, as `headerKey` spells them
 */
export function knownHeaders(cells: readonly string[], named: ReadonlySet<string>): number {
  const keys = cells.map(cell => headerKey(withoutUnit(cell)))
  return new Set(keys.filter(key => WORDS.has(key) || named.has(key) || isNdviHeader(key))).size
}
