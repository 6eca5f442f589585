import type { View } from '../../functions/batch/view.ts'
import type { ClassList } from '../../functions/core/classes.ts'
import type { ImageEvent, WireEvent } from '../../functions/core/event.ts'
import { toPosition } from '../../functions/core/lane.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import { formatTimestamp } from '../../functions/core/time.ts'
import type { Site } from '../../functions/images/sites/site.ts'
import type { Logger } from '../../functions/ports/logger.ts'
import type { Measurement, Metrics } from '../../functions/ports/metrics.ts'

/** Time at the start of an hour. The times of all factories are near it. */
export const NOON_MS = Date.UTC(2026, 10, 22, 12)

export const CLASS_NAMES = ['Forest', 'River', 'SeaLake'] as const
export const CLASSES: ClassList = new Map(CLASS_NAMES.map(name => [name, 0]))

export function wireEvent(changes: Partial<Record<keyof WireEvent, unknown>> = {}): WireEvent {
  return {
    image_id: 'Forest_1',
    class_name: 'Forest',
    ndvi_mean: 0.5,
    timestamp: '2026-11-22T11:55:00Z',
    ...changes,
  } as WireEvent
}

export function imageEvent(changes: Partial<ImageEvent> = {}): ImageEvent {
  return {
    imageId: 'Forest_1',
    className: 'Forest',
    eventMs: NOON_MS,
    ndviMean: 500_000,
    ndviStd: null,
    ndviMin: null,
    ndviMax: null,
    vegetationIndex: null,
    red: null,
    green: null,
    blue: null,
    nir: null,
    brightness: null,
    siteId: null,
    lon: null,
    lat: null,
    pixels: null,
    validFraction: null,
    cloudFraction: null,
    sceneId: null,
    processingVersion: null,
    textureContrast: null,
    textureDissimilarity: null,
    textureHomogeneity: null,
    textureEnergy: null,
    textureCorrelation: null,
    textureEntropy: null,
    ...changes,
  }
}

/** Values of all fields of a place and its image, in fixed point. */
export const SOME_PLACE = {
  siteId: 'field-7',
  lon: -1_799_999_999,
  lat: 473_000_001,
  pixels: 1042,
  validFraction: 876_543,
  cloudFraction: 123_457,
  sceneId: 'S2A_32UQV_20250615_0_L2A',
  processingVersion: '05.11',
  textureContrast: 65_025_000_000,
  textureDissimilarity: 254_999_999,
  textureHomogeneity: 1,
  textureEnergy: 999_999,
  textureCorrelation: -1_000_000,
  textureEntropy: 8_317_766,
} as const

export function logRecord(data: Uint8Array | string, changes: Partial<LogRecord> = {}): LogRecord {
  return { lane: 'stream.shard-0', position: toPosition(1), arrivalMs: NOON_MS, data: Buffer.from(data), ...changes }
}

/** Logger that collects its lines for a test. */
export function collectingLogger(): Logger & { lines: { message: string; fields: Record<string, unknown> }[] } {
  const lines: { message: string; fields: Record<string, unknown> }[] = []
  const log = (message: string, fields: Record<string, unknown> = {}) => void lines.push({ message, fields })
  return { lines, info: log, warn: log }
}

/** Metrics that collect their measurements for a test. */
export function collectingMetrics(): Metrics & { measured: Measurement[] } {
  const measured: Measurement[] = []
  return { measured, record: measurement => void measured.push(measurement) }
}

/** View without data and without files. */
export function emptyView(changes: Partial<View> = {}): View {
  return {
    revision: 1,
    cut: 0,
    classesKey: 'classes.parquet',
    parts: {},
    imports: [],
    watched: {},
    publishedAt: formatTimestamp(NOON_MS),
    audit: {
      kind: 'batch',
      images: 0,
      added: 0,
      slots: 0,
      files: 0,
      rows: 0,
      overlapping: 0,
      copies: 0,
      missed: 0,
      bytesScanned: 0,
      seconds: 0,
    },
    ...changes,
  }
}

/** Square site of 0.01 degrees whose lower left corner is given. */
export function siteAt(
  id: string,
  lon: number,
  lat: number,
  { className = 'Forest', side = 0.01 }: { className?: string; side?: number } = {},
): Site {
  const [east, north] = [lon + side, lat + side]
  const ring = [
    [lon, lat],
    [east, lat],
    [east, north],
    [lon, north],
  ] as const
  return { id, className, polygons: [[ring]] }
}
