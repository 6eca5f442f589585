import { headerKey, withoutUnit } from './presets.ts'

const NDVI_HEADER = /(^|_)ndvi(_?(mean|avg|average))?$|^(mean|avg|average)_ndvi$/
const OPENEO_HEADER = /^(avg_|mean_)?(band_0|ndvi)$/

/** Words of headers that have `ndvi` in their names and hold something else than the mean NDVI of an image. */
const OTHER_WORDS: ReadonlySet<string> = new Set([
  ...['anomaly', 'anomalies', 'anom', 'delta', 'diff', 'difference', 'change', 'trend', 'slope'],
  ...['z', 'zscore', 'score'],
  ...['std', 'stdev', 'stddev', 'sd', 'var', 'variance', 'cv', 'min', 'minimum', 'max', 'maximum', 'sum', 'integral'],
  ...['count', 'n', 'quality', 'qa', 'flag', 'rank', 'percentile', 'baseline', 'reference', 'ref', 'historical'],
  ...['longterm', 'lta', 'climatology', 'lag', 'lagged', 'prev', 'previous', 'predicted', 'forecast', 'target'],
])

/**
 * Finds the columns that can hold the mean NDVI of images by their headers. The header `ndvi` is preferred to others
 * such as `smoothed_ndvi`.
 *
 * @param isOpenEo whether the columns are those of openEO, whose first band may be NDVI without its name
 * @returns indexes: one where it is clear, none, or several between which only people can choose
 */
export function ndviColumns(columns: readonly string[], isOpenEo: boolean): number[] {
  const keys = columns.map(header => headerKey(withoutUnit(header)))
  const fits = isOpenEo ? OPENEO_HEADER : NDVI_HEADER
  const isMeant = (key: string) => isNdviHeader(key, fits)
  const found = keys.flatMap((key, index) => (isMeant(key) ? [index] : []))
  const exact = found.filter(index => keys[index] === 'ndvi')
  return exact.length === 1 ? exact : found
}

/** @param key header as `headerKey` spells it */
export function isNdviHeader(key: string, fits = NDVI_HEADER): boolean {
  return fits.test(key) && !key.split('_').some(word => OTHER_WORDS.has(word))
}
