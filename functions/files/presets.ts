import type { Mapping } from './mapping.ts'

/** The form of the files that some program writes, recognised by their headers. */
export interface Preset {
  name: string
  /** Program that writes such files, for people. */
  writtenBy: string
  /** Headers that all such files have, as `headerKey` spells them. */
  headers: readonly string[]
  /** Headers of which they have at least one. */
  oneOf?: readonly string[]
  /** Headers that only files of other programs have. */
  without?: readonly string[]
  /** Meaning of the columns, by `headerKey`. */
  columns: NonNullable<Mapping['columns']>
  /** Values for fields that these files do not have. */
  constants?: NonNullable<Mapping['constants']>
  wide?: Mapping['wide']
}

/** Spelling of a header in which case, spaces and punctuation do not count. */
export function headerKey(header: string): string {
  return header
    .normalize('NFC')
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_+|_+$/g, '')
}

/** Unit behind a header, as in `NDVI [-]` or `timestamp (UTC)`. */
const UNIT =
  /\s*[([](?:-|\u2013|1|UTC|GMT|Z|unitless|dimensionless|index|deg|degrees?|\u00b0|px|pixels?|count|%)[)\]]\s*$/i

/** A header without the unit in brackets behind it. */
export function withoutUnit(header: string): string {
  return header.replace(UNIT, '')
}

/** Columns of programs that name the mean, the extremes and the deviation of NDVI, each after the same prefix. */
function statistics(deviation: string, prefix = ''): Preset['columns'] {
  return {
    ndvi_mean: `${prefix}mean`,
    ndvi_std: `${prefix}${deviation}`,
    ndvi_min: `${prefix}min`,
    ndvi_max: `${prefix}max`,
  }
}

/** Id of images in files that are the series of one place. */
const FILE_AND_DAY = { image_id: '{file}_{date}' }

/** Presets in the order in which they are tried. */
export const PRESETS: readonly Preset[] = [
  {
    name: 'sentinel-hub-batch',
    writtenBy: 'Sentinel Hub Statistical API, several areas',
    headers: ['identifier', 'interval_from', 'mean'],
    columns: { timestamp: 'interval_from', ...statistics('stdev') },
    constants: { image_id: '{identifier}_{date}' },
  },
  {
    name: 'sentinel-hub',
    writtenBy: 'Sentinel Hub Statistical API',
    headers: ['interval_from', 'mean'],
    columns: { timestamp: 'interval_from', ...statistics('stdev') },
    constants: FILE_AND_DAY,
  },
  {
    name: 'sentinel-hub-table',
    writtenBy: 'tables of Sentinel Hub statistics, a column for each statistic',
    headers: ['interval_from', 'ndvi_b0_mean'],
    columns: { timestamp: 'interval_from', ...statistics('stdev', 'ndvi_b0_') },
    constants: FILE_AND_DAY,
  },
  {
    name: 'sentinel-hub-csv',
    writtenBy: 'Copernicus Browser and EO Browser statistics',
    headers: ['c0_date', 'c0_mean'],
    columns: { timestamp: 'c0_date', ...statistics('stdev', 'c0_') },
    constants: FILE_AND_DAY,
  },
  {
    name: 'appeears',
    writtenBy: 'AppEEARS area statistics',
    headers: ['file_name', 'dataset', 'date', 'mean'],
    columns: {
      image_id: 'file_name',
      timestamp: 'date',
      ndvi_mean: 'mean',
      ndvi_std: 'standard_deviation',
      ndvi_min: 'minimum',
      ndvi_max: 'maximum',
    },
  },
  {
    name: 'appeears-point',
    writtenBy: 'AppEEARS point samples',
    headers: ['id', 'category', 'date', 'latitude', 'longitude'],
    columns: { class_name: 'category', timestamp: 'date' },
    constants: { image_id: '{ID}_{date}' },
  },
  {
    name: 'openeo',
    writtenBy: 'openEO aggregate_spatial',
    headers: ['date', 'feature_index'],
    columns: { timestamp: 'date' },
    constants: { image_id: '{feature_index}_{date}' },
  },
  {
    name: 'ornl-statistics',
    writtenBy: 'statistics of ORNL DAAC subsets',
    headers: ['calendar_date', 'value_mean'],
    columns: { timestamp: 'calendar_date', ...statistics('standarddeviation', 'value_') },
    constants: FILE_AND_DAY,
  },
  {
    name: 'modistools',
    writtenBy: 'MODISTools, a row for each pixel',
    headers: ['calendar_date', 'site', 'pixel', 'value'],
    columns: { timestamp: 'calendar_date', ndvi_mean: 'value' },
    constants: { image_id: '{site}_{pixel}_{date}' },
  },
  {
    name: 'ornl-modis',
    writtenBy: 'the MODIS web service of ORNL DAAC',
    headers: ['calendar_date', 'modis_date'],
    columns: { timestamp: 'calendar_date', ...statistics('stdev') },
    constants: FILE_AND_DAY,
  },
  {
    name: 'geemap-zonal',
    writtenBy: 'geemap zonal statistics',
    headers: ['system_index', 'mean'],
    without: ['geo', 'system_time_start', 'date', 'timestamp'],
    columns: { image_id: 'system_index', ...statistics('stddev') },
  },
  {
    name: 'gee-table',
    writtenBy: 'Earth Engine table exports',
    headers: ['system_index'],
    columns: { image_id: 'system_index', ...statistics('stddev') },
  },
  {
    name: 'gee-region',
    writtenBy: 'getRegion of Earth Engine',
    headers: ['id', 'longitude', 'latitude', 'time'],
    columns: { timestamp: 'time', scene_id: 'id' },
    constants: { image_id: '{id}_{longitude}_{latitude}' },
  },
  {
    name: 'glam',
    writtenBy: 'GLAM',
    headers: ['ordinal_date', 'start_date', 'sample_value'],
    columns: { timestamp: 'start_date', ndvi_mean: 'sample_value', pixels: 'sample_count' },
    constants: FILE_AND_DAY,
  },
  {
    name: 'phenocam',
    writtenBy: 'PhenoCam summaries',
    headers: ['date', 'image_count', 'ndvi_mean'],
    columns: { timestamp: 'date' },
    constants: FILE_AND_DAY,
  },
  {
    name: 'phenocam-images',
    writtenBy: 'PhenoCam statistics of each image',
    headers: ['date', 'filename_ir', 'ndvi_c'],
    columns: { image_id: 'filename_ir', ndvi_mean: 'ndvi_c' },
  },
  {
    name: 'datacube',
    writtenBy: 'the Open Data Cube and Digital Earth Africa, by xarray',
    headers: ['time', 'spatial_ref'],
    columns: { timestamp: 'time' },
    constants: FILE_AND_DAY,
  },
  {
    name: 'terra',
    writtenBy: 'extract of terra in R',
    headers: ['id', 'lyr_1'],
    without: ['lyr_2'],
    columns: { ndvi_mean: 'lyr_1' },
    constants: { image_id: '{ID}_{date}' },
  },
  {
    name: 'zonal',
    writtenBy: 'zonal statistics of QGIS, exactextract or rasterstats',
    headers: ['mean'],
    oneOf: ['count', 'std', 'stdev', 'stddev', 'min', 'max', 'sum', 'median'],
    columns: statistics('stdev'),
  },
  {
    name: 'gee-chart',
    writtenBy: 'Earth Engine charts',
    headers: ['system_time_start'],
    without: ['image_id'],
    columns: { timestamp: 'system_time_start' },
    constants: FILE_AND_DAY,
  },
]
