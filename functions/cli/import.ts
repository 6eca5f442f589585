import { IMPORT_PARTS, type View } from '../batch/view.ts'
import type { RejectionReason } from '../core/record.ts'
import { type BulkImport, importSource } from '../files/bulk-import.ts'
import { describeProblem, type RowProblem, SourceError } from '../files/rows.ts'
import { findSources, type Source } from '../files/sources.ts'
import { runCommand, UsageError } from './command.ts'
import { dryRun } from './dry-run.ts'
import { printImports, undoImport } from './import-records.ts'
import { MAPPING_FLAGS, mappingOf } from './mapping-flags.ts'
import { problemReport } from './problem-report.ts'
import { progressLine, rowsRead } from './progress.ts'
import { readReport } from './read-report.ts'
import { RUNTIME_FLAGS, withRuntime } from './runtime.ts'

await runCommand(
  {
    usage: 'npm run import -- --data FILE|FOLDER [flags]',
    summary:
      'Writes history directly into the archive, not through the log, and counts it. A file is imported completely or not\n' +
      'at all, and only once: importing the same bytes again, under any name, changes nothing. An image (class, id and\n' +
      'time) counts once, even if several imports have it. Rows that are not valid events are left out.',
    flags: {
      data: {
        type: 'string',
        value: 'FILE|FOLDER',
        help: 'File of events (CSV, JSON or Parquet, also packed as gzip or zip), or a folder of such files',
      },
      ...MAPPING_FLAGS,
      now: { type: 'boolean', help: 'Rows without a time get the current time' },
      'skip-bad': { type: 'boolean', help: 'Exit with code 0 even if rows or files are refused' },
      replace: { type: 'boolean', help: 'Use the values of this import for images that an earlier import has, too' },
      'dry-run': { type: 'boolean', help: 'Say what an import would take, and import nothing' },
      'mapping-out': {
        type: 'string',
        value: 'FILE.json',
        help: 'With --dry-run: write the mapping by which the files are read, to be changed and used by --mapping',
      },
      list: { type: 'boolean', help: 'List the imports, and import nothing' },
      undo: { type: 'string', value: 'ID', help: 'Undo the import that --list shows under this id' },
      ...RUNTIME_FLAGS,
    },
  },
  async flags => {
    if (flags.list) return withRuntime(flags, runtime => printImports(runtime).then(() => 0))
    const { undo } = flags
    if (undo !== undefined) return withRuntime(flags, runtime => undoImport(runtime, undo).then(() => 0))
    if (flags.data === undefined) throw new UsageError('--data takes a CSV, JSON or Parquet file, or a folder of them')
    if (flags['mapping-out'] !== undefined && !flags['dry-run']) {
      throw new UsageError('--mapping-out goes with --dry-run: an import writes no mapping')
    }
    const mapping = mappingOf(flags)
    const startedMs = performance.now()
    const found = await findSources(flags.data)
    return withRuntime(flags, async runtime => {
      if (flags['dry-run']) {
        return dryRun(found, { mapping, timeIsNow: flags.now }, await runtime.classes(), flags['mapping-out'])
      }
      const { objects, slotMs } = runtime
      // A system that cannot count must refuse the import before it stores any of it.
      await runtime.openStore()
      const progress = progressLine(process.stderr)
      const tell = (line: string) => {
        progress.clear()
        process.stderr.write(`${line}\n`)
      }
      const rejections = rejectionReport(tell)
      const report = readReport(tell)
      for (const { path, reason } of found.unread) tell(`not read: ${path} ${reason}`)
      const classes = await runtime.classes()
      const bulk = {
        objects,
        slotMs,
        classes,
        now: Date.now,
        mapping,
        report,
        timeIsNow: flags.now,
        isReplacing: flags.replace,
      }
      const bulkTo = { ...bulk, onRejected: rejections.add }
      const { lanes, files, events, withoutNdvi } = await importSources(found.sources, bulkTo, progress, tell)
      progress.clear()
      rejections.end(files.imported > 0)
      report.end()
      let view = await runtime.views.current()
      const imagesBefore = imagesOfImports(view)
      // Also counts what an earlier run imported when that run ended before the count.
      if (lanes.some(lane => !view?.imports.includes(lane))) {
        progress.begin('counting the images')
        view = (await runtime.runBatch()).view
        progress.clear()
      }

      const known = events - (imagesOfImports(view) - imagesBefore)
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
      const outcome = [
        `import: ${events} events of ${counted(files.imported)} in ${seconds} s, ${rejections.summary()}`,
        known > 0 && `${known} ${flags.replace ? 'replaced' : 'already known'}`,
        withoutNdvi > 0 && `${withoutNdvi} rows without NDVI`,
        files.before > 0 && `${counted(files.before)} imported before`,
        files.failed > 0 && `${counted(files.failed)} not imported`,
        found.unread.length > 0 && `${counted(found.unread.length)} not read`,
        view ? `view ${view.revision} counts ${view.audit.images} images` : 'there is no view yet',
      ]
      process.stdout.write(`${outcome.filter(part => part !== false).join('; ')}\n`)
      const isTaken = files.imported + files.before > 0
      const isRefused = files.failed > 0 || rejections.total() > 0
      return isTaken && (flags['skip-bad'] || !isRefused) ? 0 : 1
    })
  },
)

/** Imports sources one after the other. One that cannot be read is reported, and the others are still imported. */
async function importSources(
  sources: readonly Source[],
  bulk: BulkImport,
  progress: ReturnType<typeof progressLine>,
  tell: (line: string) => void,
) {
  const lanes: string[] = []
  const files = { imported: 0, before: 0, failed: 0 }
  let events = 0
  let withoutNdvi = 0
  for (const source of sources) {
    try {
      progress.begin(`reading ${source.path}`)
      const onRows = (count: number, share: number) => progress.show(() => rowsRead(count, share, source.path))
      const imported = await importSource({ ...bulk, onRows }, source)
      if (imported.events !== 0) lanes.push(imported.lane)
      if (imported.events === null) files.before += source.files.length
      else if (imported.events > 0) files.imported += source.files.length
      events += imported.events ?? 0
      withoutNdvi += imported.withoutNdvi
    } catch (error) {
      if (!(error instanceof SourceError)) throw error
      files.failed += source.files.length
      tell(error.message)
    }
  }
  return { lanes, files, events, withoutNdvi }
}

/** Prints the first rejected rows of each reason, and counts all. */
function rejectionReport(tell: (line: string) => void) {
  const { add, end, total, counts } = problemReport(tell)
  return {
    add: (reason: RejectionReason, problem: RowProblem) => add(describeProblem(problem), reason),
    end(hasImported: boolean): void {
      end()
      if (hasImported && total() > 0) {
        tell('An imported file is not read again: correct its rejected rows and import them in another file.')
      }
    },
    total,
    summary(): string {
      const byReason = Array.from(counts, ([reason, count]) => `${count} ${reason}`).join(', ')
      return `${total()} rejected${byReason === '' ? '' : ` (${byReason})`}`
    },
  }
}

/** Returns the number of images from imports that a view counts. */
function imagesOfImports(view: View | undefined): number {
  const parts = Object.entries(view?.parts ?? {}).filter(([name]) => name.startsWith(IMPORT_PARTS))
  return parts.reduce((sum, [, { images }]) => sum + images, 0)
}

function counted(files: number): string {
  return `${files} ${files === 1 ? 'file' : 'files'}`
}
