import type { ImageEvent } from '../core/event.ts'
import { fromDegreesE7, fromMicro, fromMilli } from '../core/fixed-point.ts'
import type { Position } from '../core/lane.ts'
import type { Origin } from '../core/record.ts'
import { dayOf } from '../core/time.ts'
import { FORMAT_KEY } from '../parquet/format.ts'
import { type Column, type ColumnType, writeParquet } from '../parquet/write.ts'

/** Event in the archive, with all that distinguishes it from its copies. */
export interface ArchivedEvent {
  /**
   * Null in the single row of a record without valid events. A copy of the record may come later, when its events are
   * valid: their class is known by then, or their time is no longer in the future. It must be recognised as a copy.
   */
  event: ImageEvent | null
  /** Producer id and record counter; null when the record is identified only by lane and position. */
  origin: Origin | null
  /** Line of the event in its record. */
  line: number
  lane: string
  position: Position
  arrivalMs: number
  late: boolean
}

/** Event with the name of the file to which it is written. */
interface FiledEvent extends ArchivedEvent {
  file: string
}

type ArchiveColumn = Column<FiledEvent>

/** Makes a column from a field of the event; null in a row without an event. */
const ofEvent = (
  name: string,
  type: ColumnType,
  of: (event: ImageEvent) => string | number | bigint | null,
): ArchiveColumn => ({ name, type, nullable: true, of: ({ event }) => event && of(event) })

const SCALES = { micro: fromMicro, milli: fromMilli, e7: fromDegreesE7 }

/** Makes two columns: the integer for sums, and the number for people. */
const fixedPoint = (
  name: string,
  unit: keyof typeof SCALES,
  of: (event: ImageEvent) => number | null,
  type: 'INT32' | 'INT64' = 'INT32',
): ArchiveColumn[] => {
  const scaled = (scale: (integer: number) => number | bigint) => (event: ImageEvent) => {
    const value = of(event)
    return value === null ? null : scale(value)
  }
  return [
    ofEvent(`${name}_${unit}`, type, type === 'INT64' ? scaled(BigInt) : of),
    ofEvent(name, 'DOUBLE', scaled(SCALES[unit])),
  ]
}

/** Format of archive files, stated in their metadata. It rises whenever the columns change. The first files stated none. */
export const ARCHIVE_FORMAT = 2

/** Metadata of each archive file. */
export const ARCHIVE_METADATA = { [FORMAT_KEY]: String(ARCHIVE_FORMAT) }

/** Columns of the archive. Its partitions add `arrival_slot`, the name of the slot. */
export const ARCHIVE_COLUMNS: readonly ArchiveColumn[] = [
  ofEvent('image_id', 'STRING', event => event.imageId),
  ofEvent('class_name', 'STRING', event => event.className),
  ofEvent('event_time', 'TIMESTAMP', event => BigInt(event.eventMs)),
  ofEvent('event_day', 'STRING', event => dayOf(event.eventMs)),
  ofEvent('event_ms', 'INT64', event => BigInt(event.eventMs)),
  ...fixedPoint('ndvi_mean', 'micro', event => event.ndviMean),
  ...fixedPoint('ndvi_std', 'micro', event => event.ndviStd),
  ...fixedPoint('ndvi_min', 'micro', event => event.ndviMin),
  ...fixedPoint('ndvi_max', 'micro', event => event.ndviMax),
  ...fixedPoint('vegetation_index', 'micro', event => event.vegetationIndex),
  ...fixedPoint('red_mean', 'milli', event => event.red),
  ...fixedPoint('green_mean', 'milli', event => event.green),
  ...fixedPoint('blue_mean', 'milli', event => event.blue),
  ...fixedPoint('nir_mean', 'milli', event => event.nir),
  ...fixedPoint('brightness_mean', 'milli', event => event.brightness),
  // Format 1 ends its measurements here.
  ofEvent('site_id', 'STRING', event => event.siteId),
  ...fixedPoint('lon', 'e7', event => event.lon),
  ...fixedPoint('lat', 'e7', event => event.lat),
  ofEvent('pixels', 'INT32', event => event.pixels),
  ...fixedPoint('valid_fraction', 'micro', event => event.validFraction),
  ...fixedPoint('cloud_fraction', 'micro', event => event.cloudFraction),
  ofEvent('scene_id', 'STRING', event => event.sceneId),
  ofEvent('processing_version', 'STRING', event => event.processingVersion),
  ...fixedPoint('texture_contrast', 'micro', event => event.textureContrast, 'INT64'),
  ...fixedPoint('texture_dissimilarity', 'micro', event => event.textureDissimilarity),
  ...fixedPoint('texture_homogeneity', 'micro', event => event.textureHomogeneity),
  ...fixedPoint('texture_energy', 'micro', event => event.textureEnergy),
  ...fixedPoint('texture_correlation', 'micro', event => event.textureCorrelation),
  ...fixedPoint('texture_entropy', 'micro', event => event.textureEntropy),
  { name: 'late', type: 'BOOLEAN', of: ({ late }) => late },
  { name: 'producer', type: 'STRING', nullable: true, of: ({ origin }) => origin?.producer ?? null },
  { name: 'counter', type: 'INT64', nullable: true, of: ({ origin }) => (origin ? BigInt(origin.counter) : null) },
  { name: 'lane', type: 'STRING', of: ({ lane }) => lane },
  { name: 'sequence', type: 'STRING', of: ({ position }) => position },
  { name: 'line', type: 'INT32', of: ({ line }) => line },
  { name: 'arrival_ms', type: 'INT64', of: ({ arrivalMs }) => BigInt(arrivalMs) },
  { name: 'source_file', type: 'STRING', of: ({ file }) => file },
]

/**
 * Encodes an archive file. The same events give the same bytes.
 *
 * @param file name of the file. It distinguishes the rows of a record from those of the same record in another file.
 */
export function encodeArchiveFile(events: readonly ArchivedEvent[], file: string): Uint8Array {
  return writeParquet(
    ARCHIVE_COLUMNS,
    events.map(event => ({ ...event, file })),
    ARCHIVE_METADATA,
  )
}
