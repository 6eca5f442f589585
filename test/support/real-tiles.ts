import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const DATA = process.env.LANDCOVER_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))

/** Statistics of 200 real tiles, as a flat CSV; they are no part of the repository, so they may not be there. */
export const REAL_TILES = join(DATA, 'eurosat-200-stats.csv')
