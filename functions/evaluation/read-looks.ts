import { compareLooks, type Look, lookOf } from '../core/looks/look.ts'
import type { Mapping } from '../files/mapping.ts'
import { openTables } from '../files/open-tables.ts'
import { readSource } from '../files/read-events.ts'
import { describeProblem, type ReadReport, SourceError } from '../files/rows.ts'
import { findSources } from '../files/sources.ts'

/** Content of a look according to the producer's mask or a person. */
export type Quality = 'clear' | 'marginal' | 'cloud' | 'shadow' | 'snow' | 'water' | 'unknown'

const QUALITIES: readonly string[] = ['clear', 'marginal', 'cloud', 'shadow', 'snow', 'water', 'unknown']
const NO_LAND: readonly Quality[] = ['cloud', 'shadow', 'snow']

/** Tells whether the truth of a look is that it does not show its land. */
export function isBad(quality: Quality): boolean {
  return NO_LAND.includes(quality)
}

/** Look of a series, with its labelled quality. */
export interface LookRead {
  look: Look
  quality: Quality
}

/** Options of reading looks. */
export interface LookReading {
  mapping: Mapping
  now(): number
  /** Takes the truth as the producer's mask: a look at clouds, shadow or snow has a cloud fraction of 1. */
  truthIsMask: boolean
  report: ReadReport
  onProblem(problem: string): void
}

const WHOLE = 1_000_000

/**
 * Reads the looks of a file as events are read, with the column `truth_quality` where it has one, in the order in which
 * they are judged.
 *
 * @throws SourceError when it cannot be read, or has no looks
 */
export async function readLooks(path: string, reading: LookReading): Promise<LookRead[]> {
  const { sources } = await findSources(path)
  const [source] = sources
  if (sources.length !== 1 || source?.files.length !== 1) throw new SourceError(`${path} must be one file of looks`)
  const qualities = await readQualities(path, reading.mapping)
  const looks: LookRead[] = []
  const { mapping, now, report } = reading
  for await (const rows of readSource(source, { now, mapping, report })) {
    for (const read of rows) {
      if ('problem' in read) reading.onProblem(describeProblem(read.problem))
      if (!('event' in read)) continue
      const look = lookOf(read.decoded)
      const quality = qualities.get(read.row) ?? 'unknown'
      const isMasked = reading.truthIsMask && isBad(quality)
      looks.push({ look: isMasked ? { ...look, cloudFraction: WHOLE } : look, quality })
    }
  }
  if (looks.length === 0) throw new SourceError(`${path} holds no looks`)
  return looks.sort((a, b) => compareLooks(a.look, b.look))
}

async function readQualities(path: string, mapping: Mapping): Promise<Map<number, Quality>> {
  const qualities = new Map<number, Quality>()
  for await (const { file, columns, rows } of openTables(path, mapping)) {
    if (qualities.size > 0) throw new SourceError(`${path} must hold one table of looks`)
    const at = columns.indexOf('truth_quality')
    if (at < 0) continue
    for await (const batch of rows([at])) {
      for (const row of batch) {
        if ('values' in row) qualities.set(row.row, qualityOf(row.values[at] ?? '', `${file}, row ${row.row}`))
      }
    }
  }
  return qualities
}

function qualityOf(value: unknown, where: string): Quality {
  if (value === '') return 'unknown'
  if (QUALITIES.includes(value as string)) return value as Quality
  throw new SourceError(`${where}, column truth_quality: must be one of ${QUALITIES.join(', ')}, not '${value}'`)
}
