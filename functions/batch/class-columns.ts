import type { Statistics } from '../core/totals.ts'
import type { Column } from '../parquet/write.ts'

/** A class with its statistics. */
export interface ClassRow {
  className: string
  statistics: Statistics
}

/** Columns for people: those of the original's `landcover_aggregates`. */
export const CLASS_COLUMNS: readonly Column<ClassRow>[] = [
  { name: 'class_name', type: 'STRING', of: row => row.className },
  { name: 'ndvi_avg', type: 'DOUBLE', nullable: true, of: row => row.statistics.ndviMean },
  { name: 'ndvi_stddev', type: 'DOUBLE', nullable: true, of: row => row.statistics.ndviStddev },
  { name: 'ndvi_global_min', type: 'DOUBLE', nullable: true, of: row => row.statistics.ndviMin },
  { name: 'ndvi_global_max', type: 'DOUBLE', nullable: true, of: row => row.statistics.ndviMax },
  { name: 'red_avg', type: 'DOUBLE', nullable: true, of: row => row.statistics.bandMeans.red },
  { name: 'nir_avg', type: 'DOUBLE', nullable: true, of: row => row.statistics.bandMeans.nir },
  { name: 'brightness_avg', type: 'DOUBLE', nullable: true, of: row => row.statistics.bandMeans.brightness },
  { name: 'image_count', type: 'INT64', of: row => BigInt(row.statistics.count) },
]
