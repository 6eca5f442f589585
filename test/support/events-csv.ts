import { writeFileSync } from 'node:fs'
import type { WireEvent } from '../../functions/core/event.ts'

const NAMES = ['AnnualCrop', 'Forest', 'River', 'SeaLake']

/** Different events of four known classes, all in the past. */
export function someEvents(count: number): WireEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    image_id: `image-${index}`,
    class_name: NAMES[(index * 7) % NAMES.length] as string,
    ndvi_mean: (((index * 7919) % 2_000_001) - 1_000_000) / 1e6,
    nir_mean: ((index * 104_729) % 10_000_000) / 1e3,
    timestamp: new Date(Date.UTC(2026, 0, 1) + index * 1_000).toISOString(),
  }))
}

/** Writes events as one flat CSV. */
export function writeEvents(file: string, events: readonly WireEvent[]): string {
  const columns = ['image_id', 'class_name', 'ndvi_mean', 'nir_mean', 'timestamp'] as const
  const rows = events.map(event => columns.map(column => event[column] ?? '').join())
  writeFileSync(file, `${columns.join()}\n${rows.join('\n')}\n`)
  return file
}
