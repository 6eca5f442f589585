import { writeFileSync } from 'node:fs'
import type { ClassList } from '../core/classes.ts'
import { dayOf } from '../core/time.ts'
import { type ClassNames, classNames } from '../files/class-names.ts'
import type { Mapping } from '../files/mapping.ts'
import { type ReadOptions, readSource } from '../files/read-events.ts'
import { describeProblem, type RowRead, SourceError } from '../files/rows.ts'
import type { FoundSources } from '../files/sources.ts'
import { UsageError } from './command.ts'
import { progressLine, rowsRead } from './progress.ts'
import { readReport } from './read-report.ts'

/** Problems and classes beyond these are counted only. */
const SHOWN = 20

/** Counts of the rows of files, without importing them. */
interface Survey {
  add(read: RowRead): void
  /** Number of rows that were added. */
  rows(): number
  /** Names of classes that are not known → their events. */
  unknown(): ReadonlyMap<string, number>
  rejected(): number
  /** Events of known classes, their range of days, classes and repeated images, in one line. */
  summary(): string
}

/**
 * @param known names of known classes
 * @param images those of other files, to which the file's own are added
 */
function survey(known: ReadonlySet<string>, images = new Set<string>()): Survey {
  const classes = new Map<string, number>()
  const unknown = new Map<string, number>()
  const counts = { rows: 0, events: 0, rejected: 0, withoutNdvi: 0, repeated: 0 }
  let [first, last] = [Number.POSITIVE_INFINITY, 0]
  return {
    add(read) {
      counts.rows += 1
      if ('problem' in read) counts.rejected += 1
      if ('noMeasurement' in read) counts.withoutNdvi += 1
      if (!('event' in read)) return
      const { className, imageId, eventMs } = read.decoded
      const list = known.has(className) ? classes : unknown
      list.set(className, (list.get(className) ?? 0) + 1)
      if (list === unknown) return
      counts.events += 1
      const image = JSON.stringify([className, imageId, eventMs])
      if (images.has(image)) counts.repeated += 1
      images.add(image)
      first = Math.min(first, eventMs)
      last = Math.max(last, eventMs)
    },
    rows: () => counts.rows,
    unknown: () => unknown,
    rejected: () => counts.rejected,
    summary() {
      const ofUnknown = unknown.values().reduce((sum, count) => sum + count, 0)
      const parts = [
        `${counts.events} events`,
        counts.events > 0 && `from ${dayOf(first)} to ${dayOf(last)}`,
        counts.events > 0 && `classes ${listed(classes)}`,
        counts.repeated > 0 && `${counts.repeated} with the class, id and time of another`,
        counts.withoutNdvi > 0 && `${counts.withoutNdvi} rows without NDVI`,
        ofUnknown > 0 && `${ofUnknown} of unknown classes: ${listed(unknown)}`,
        `${counts.rejected} rejected`,
      ]
      return parts.filter(part => part !== false).join('; ')
    },
  }
}

function listed(classes: ReadonlyMap<string, number>): string {
  const names = Array.from(classes, ([name, count]) => `${JSON.stringify(name)} ${count}`)
  return `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''}`
}

/** Tells of classes that are not known, and what to do about each. */
function tellUnknown(counts: ReadonlyMap<string, number>, names: ClassNames, tell: (line: string) => void): void {
  const all = [...counts]
  for (const [name, count] of all.slice(0, SHOWN)) tell(`${count} events: ${names.refusal(name)}`)
  if (all.length > SHOWN) tell(`… and ${all.length - SHOWN} more unknown classes`)
}

/**
 * Reads all sources, and says in a line for each what would be taken of it.
 *
 * @param mappingOut file for the mapping by which they are read, as a starting point for people
 * @returns exit code: 0 when all could be taken
 * @throws UsageError when the file exists, or cannot be written
 */
export async function dryRun(
  { sources, unread }: FoundSources,
  reading: Pick<ReadOptions, 'mapping' | 'timeIsNow'>,
  classes: ClassList,
  mappingOut?: string,
): Promise<number> {
  const found = new Set<string>()
  const onMapping = (mapping: Mapping) => void found.add(JSON.stringify(mapping, null, 2))
  const progress = progressLine(process.stderr)
  const tell = (line: string) => {
    progress.clear()
    process.stderr.write(`${line}\n`)
  }
  const report = readReport(tell)
  const known = new Set(classes.keys())
  const names = classNames(known, reading.mapping?.classes)
  const images = new Set<string>()
  for (const { path, reason } of unread) tell(`not read: ${path} ${reason}`)
  let isRefused = false
  for (const source of sources) {
    const counted = survey(known, images)
    progress.begin(`reading ${source.path}`)
    const onShare = (share: number) => progress.show(() => rowsRead(counted.rows(), share, source.path))
    const options = { ...reading, now: Date.now, classes: known, report, onMapping, onShare }
    try {
      for await (const rows of readSource(source, options)) {
        for (const read of rows) {
          counted.add(read)
          if ('problem' in read && counted.rejected() <= SHOWN) tell(describeProblem(read.problem))
        }
      }
      progress.clear()
      tellUnknown(counted.unknown(), names, tell)
      process.stdout.write(`${source.name}: ${counted.summary()}\n`)
    } catch (error) {
      if (!(error instanceof SourceError)) throw error
      isRefused = true
      tell(error.message)
    }
    isRefused ||= counted.rejected() > 0 || counted.unknown().size > 0
  }
  report.end()
  if (mappingOut !== undefined) writeMapping(mappingOut, [...found], tell)
  process.stdout.write('dry run: nothing was changed\n')
  return isRefused ? 1 : 0
}

function writeMapping(file: string, mappings: readonly string[], tell: (line: string) => void): void {
  const [first, ...others] = mappings
  if (first === undefined) throw new UsageError('--mapping-out: no file can be read, so there is no mapping to write')
  if (others.length > 0) {
    tell(`the files have ${mappings.length} different mappings: ${file} has the first; import the others on their own`)
  }
  try {
    writeFileSync(file, `${first}\n`, { flag: 'wx' })
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
    const why = isThere
      ? 'exists already: remove it, or name another'
      : `cannot be written: ${(error as Error).message}`
    throw new UsageError(`--mapping-out: ${file} ${why}`)
  }
  tell(`the mapping is in ${file}: change it, and use it by --mapping ${file}`)
}
