import { toMicro } from '../core/fixed-point.ts'
import { compareLooks, type Look } from '../core/looks/look.ts'
import type { Mapping } from '../files/mapping.ts'
import { readNumber } from '../files/numbers.ts'
import { openTables } from '../files/open-tables.ts'
import { readSource } from '../files/read-events.ts'
import { describeProblem, type ReadReport, SourceError } from '../files/rows.ts'
import { findSources } from '../files/sources.ts'

/** What a producer's mask, or a person, says that a look shows. */
export type Quality = 'clear' | 'marginal' | 'cloud' | 'shadow' | 'snow' | 'water' | 'unknown'

const QUALITIES: readonly string[] = ['clear', 'marginal', 'cloud', 'shadow', 'snow', 'water', 'unknown']
const NO_LAND: readonly Quality[] = ['cloud', 'shadow', 'snow']

/** Tells whether the truth of a look is that it does not show its land. */
export function isBad(quality: Quality): boolean {
  return NO_LAND.includes(quality)
}

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

/** Columns beside those of events. */
interface Place {
  siteId: string | null
  quality: Quality
  cloudFraction: number | null
  validFraction: number | null
}

/**
 * Reads the looks of a file as events are read, with the columns `site_id`, `cloud_fraction`, `valid_fraction` and
 * `truth_quality` where it has them, in the order in which they are judged.
 *
 * @throws SourceError when it cannot be read, or has no looks
 */
export async function readLooks(path: string, reading: LookReading): Promise<LookRead[]> {
  const { sources } = await findSources(path)
  const [source] = sources
  if (sources.length !== 1 || source?.files.length !== 1) throw new SourceError(`${path} must be one file of looks`)
  const places = await readPlaces(path, reading.mapping)
  const looks: LookRead[] = []
  const { mapping, now, report } = reading
  for await (const rows of readSource(source, { now, mapping, report })) {
    for (const read of rows) {
      if ('problem' in read) reading.onProblem(describeProblem(read.problem))
      if (!('event' in read)) continue
      const { imageId, className, eventMs, ndviMean: ndvi, red, blue } = read.decoded
      const { quality, cloudFraction, ...place } = places.get(read.row) as Place
      const isMasked = reading.truthIsMask && isBad(quality)
      const look = {
        imageId,
        className,
        eventMs,
        ndvi,
        red,
        blue,
        ...place,
        cloudFraction: isMasked ? WHOLE : cloudFraction,
      }
      looks.push({ look, quality })
    }
  }
  if (looks.length === 0) throw new SourceError(`${path} holds no looks`)
  return looks.sort((a, b) => compareLooks(a.look, b.look))
}

async function readPlaces(path: string, mapping: Mapping): Promise<Map<number, Place>> {
  const places = new Map<number, Place>()
  for await (const { file, columns, rows } of openTables(path, mapping)) {
    if (places.size > 0) throw new SourceError(`${path} must hold one table of looks`)
    const names = ['site_id', 'truth_quality', 'cloud_fraction', 'valid_fraction']
    const at = names.map(name => columns.indexOf(name))
    for await (const batch of rows(at.filter(index => index >= 0))) {
      for (const row of batch) {
        if (!('values' in row)) continue
        const [site, truth, cloud, valid] = at.map(index => row.values[index] ?? '')
        places.set(row.row, {
          siteId: site === '' ? null : String(site),
          quality: qualityOf(truth, `${file}, row ${row.row}`),
          cloudFraction: fractionOf(cloud, `${file}, row ${row.row}, column cloud_fraction`),
          validFraction: fractionOf(valid, `${file}, row ${row.row}, column valid_fraction`),
        })
      }
    }
  }
  return places
}

function qualityOf(value: unknown, where: string): Quality {
  if (value === '') return 'unknown'
  if (QUALITIES.includes(value as string)) return value as Quality
  throw new SourceError(`${where}, column truth_quality: must be one of ${QUALITIES.join(', ')}, not '${value}'`)
}

function fractionOf(value: unknown, where: string): number | null {
  const number = readNumber(value, '.')
  if (number === null) return null
  if (number === undefined || number < 0 || number > 1) {
    throw new SourceError(`${where}: must lie between 0 and 1, not '${value}'`)
  }
  return toMicro(number)
}
