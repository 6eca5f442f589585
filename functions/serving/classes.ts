import { byName } from '../core/text-order.ts'
import { formatTimestamp, SECOND_MS } from '../core/time.ts'
import { classStats, type Serving } from './answers.ts'
import type { ClassRow } from './schemas.ts'

/** Time for which counts are given again without counting, ms. */
const COUNTED_FOR_MS = 10 * SECOND_MS

/** Last counts of images by class of each API in this process, and when they were counted. */
const counted = new WeakMap<Serving, { images: ReadonlyMap<string, number>; atMs: number }>()

/**
 * Answers the classes that are known, and those of which there are images, by name. Images are counted at most once in
 * ten seconds.
 */
export async function classes(serving: Serving): Promise<ClassRow[]> {
  const [known, images] = await Promise.all([serving.classes(), imagesOf(serving)])
  return [...new Set([...known.keys(), ...images.keys()])]
    .map(name => [name, known.get(name)] as const)
    .sort(byName)
    .map(([class_name, since]) => ({
      class_name,
      known_since: since === undefined ? null : formatTimestamp(since),
      count: images.get(class_name) ?? 0,
    }))
}

async function imagesOf(serving: Serving): Promise<ReadonlyMap<string, number>> {
  const atMs = serving.elapsedMs()
  const last = counted.get(serving)
  if (last && atMs - last.atMs < COUNTED_FOR_MS) return last.images
  const { rows } = await classStats(serving)
  const images = new Map(rows.map(({ class_name, count }) => [class_name, count]))
  counted.set(serving, { images, atMs })
  return images
}
