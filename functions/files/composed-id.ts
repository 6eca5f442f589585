import { headerKey } from './presets.ts'

/** Headers of columns that identify a place or a record, as `headerKey` spells them, the surest first. */
export const ID_HEADERS = [
  ...['uid', 'id', 'fid', 'gid', 'oid', 'objectid', 'feature_id', 'featureid', 'feature_index', 'identifier', 'aid'],
  ...['site_id', 'site', 'field_id', 'parcel_id', 'plot_id', 'plotid', 'plot', 'point_id', 'station_id', 'station'],
  ...['siteid', 'polygon_id', 'zone_id', 'zone', 'roi', 'name'],
] as const

/**
 * Finds the column of which an image id is composed, together with the day, in a table without image ids. Images of one
 * place at different times, and those of several places at one time, have ids of their own by it.
 *
 * @returns its index, or undefined where no header is one of those
 */
export function idColumnOf(columns: readonly string[]): number | undefined {
  const keys = columns.map(headerKey)
  return ID_HEADERS.map(key => keys.indexOf(key)).find(index => index >= 0)
}
