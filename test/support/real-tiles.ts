import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const DATA = process.env.LANDCOVER_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))

/** Flat CSV with statistics of 200 real tiles. It is not in the repository, so it may be missing. */
export const REAL_TILES = join(DATA, 'eurosat-200-stats.csv')
