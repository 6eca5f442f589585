import { randomUUID } from 'node:crypto'
import { IMPORT_DAY, listImports } from '../archive/imports.ts'
import type { Lane } from '../core/lane.ts'
import { firstCut, lookBackMs, type Slot, slotOf } from '../core/slot.ts'
import { DAY_MS, formatTimestamp } from '../core/time.ts'
import type { BatchQuery } from '../ports/batch-query.ts'
import type { LogMetadata } from '../ports/event-log.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { SpeedStore } from '../ports/speed-store.ts'
import { publishTables } from './aggregates.ts'
import { type ArchiveFile, archiveProgress, listArchive, type Progress } from './completeness.ts'
import { byClass, type DayHistory, mergeClasses, mergeDays } from './day-history.ts'
import { encodeClasses, encodeDays } from './history-files.ts'
import { publishIncidents } from './incidents.ts'
import { contentOf, countImports, countSlots, mergeCounts, type SlotsCounted } from './query.ts'
import { daysReplaced, dueImports } from './replacements.ts'
import { nextSiteParts } from './site-parts.ts'
import type { BatchSql } from './sql.ts'
import { refuseImpossible, refuseOtherThanSpeed, refuseUnequal } from './validation.ts'
import { ValidationError } from './validation-error.ts'
import {
  type Audit,
  CLASSES_PREFIX,
  IMPORT_PARTS,
  keysOf,
  type Part,
  pruneViews,
  publishView,
  sha256,
  type View,
} from './view.ts'
import { type ViewReader, viewReader } from './view-reader.ts'
import { changedSlots, missedIn, noteChanges, watch, watchedFrom } from './watch.ts'

/** Ports and settings of a batch run. */
export interface BatchLayer extends Pick<LogMetadata, 'arrivalNeverGoesBack'> {
  objects: ObjectStore
  query: BatchQuery
  /** Speed store whose totals must equal the totals of new slots. */
  store: Pick<SpeedStore, 'readCursors' | 'readRows'>
  lanes(): Promise<Lane[]>
  slotMs: number
  sql: BatchSql
  now(): number
}

/** Outcome of a batch run. */
export interface BatchRun {
  /** Current view after the run; undefined when there is none and nothing to count. */
  view: View | undefined
  /** True when this run published it. */
  published: boolean
  behind: Progress['behind']
}

/**
 * Updates the batch view: adds the totals of newly complete slots and of new imports to the current view, and publishes
 * the result as the next view. If another run publishes in the meantime, it starts again. So runs may overlap and fail
 * at any point: the current view is always one whole view.
 *
 * @param options.trustSpeed false: publish even if the speed layer counted otherwise
 * @throws ValidationError when the counts cannot be right; the old view stays
 */
export function runBatch(layer: BatchLayer, { trustSpeed = true } = {}): Promise<BatchRun> {
  const { objects, query, sql, slotMs } = layer
  return publishOnTop(layer, async ground => {
    const { base } = ground
    const baseCut = base?.cut ?? firstCut(slotMs)
    const files = await listArchive(objects, watchedFrom(baseCut, slotMs), slotMs)
    const lanes = await layer.lanes()
    const { cut, behind } = archiveProgress(files, lanes, slotMs, baseCut, futureFrom(layer))
    const imports = dueImports(await listImports(objects), base, slotMs)
    const isImportsChanged = !isSame(imports, base?.imports ?? [])
    const changed = base ? changedSlots(base.watched, files, baseCut, slotMs) : []
    if (cut === baseCut && !isImportsChanged && changed.length === 0) return { next: undefined, behind }

    const newFiles = filesWithin(files, baseCut, cut)
    const slots = slotsOf(newFiles)
    const ofSlots = await countSlots(query, sql, slotMs, slots, { files, lanes }, imports)
    refuseImpossible(ofSlots)
    if (trustSpeed) await refuseOtherThanSpeed(layer.store, newFiles, ofSlots.days, baseCut, cut)
    // One import may repeat images of another, so they are counted together.
    const ofImports = await countImports(query, sql, slotMs, isImportsChanged ? imports : [])
    refuseImpossible(ofImports)
    const replaced = daysReplaced(imports, base?.imports ?? [])
    const again = await countDays(layer, replaced, baseCut, lanes, imports)
    refuseImpossible(again)

    const before = noteChanges(
      base?.watched ?? {},
      changed,
      files,
      await contentOf(query, sql, slotMs, changed),
      slotMs,
    )
    const watched = watch(before, slots, files, ofSlots.content, cut, slotMs)
    const counted = mergeCounts([ofSlots, ofImports, again])
    const audit = {
      kind: 'batch' as const,
      ...tally(counted, slots.length, newFiles.length),
      missed: missedIn(watched),
    }
    const change = { cut, imports, watched, audit }
    const next =
      base && isImportsChanged
        ? await replaceInView(
            layer,
            { ...ground, base },
            row => !isOfLog(row) || replaced.has(row.arrivalDay),
            counted,
            change,
          )
        : await addToView(layer, ground, counted, change)
    return { next, behind }
  })
}

/**
 * Counts some arrival days again and publishes the result in place of what the current view says of them: after a
 * change of the code, or when files came too late. Nothing has to stop for it.
 *
 * @param first first arrival day (UTC), YYYY-MM-DD
 * @param last last arrival day (UTC), YYYY-MM-DD
 * @throws ValidationError when the counts cannot be right; the old view stays
 */
export function runBackfill(layer: BatchLayer, first: string, last: string): Promise<BatchRun> {
  const { slotMs } = layer
  return publishOnTop(layer, async ground => {
    const { base } = ground
    if (!base) return { next: undefined, behind: [] }
    const from = Math.max(Date.parse(first), firstCut(slotMs))
    const until = Math.min(Date.parse(last) + DAY_MS, base.cut)
    const { files, slots, counted } = await countArrivals(layer, from, until, () => layer.lanes(), base.imports)
    refuseImpossible(counted)

    const watched = watch(base.watched, slots, files, counted.content, base.cut, slotMs)
    const isReplaced = (row: Arrived) => row.arrivalDay >= first && row.arrivalDay <= last && isOfLog(row)
    const next = await replaceInView(layer, { ...ground, base }, isReplaced, counted, {
      cut: base.cut,
      imports: base.imports,
      audit: { kind: 'backfill', ...tally(counted, slots.length, files.length), missed: missedIn(watched) },
      watched,
    })
    return { next, behind: [] }
  })
}

/** Counts the slots of some arrival days before a cut again. */
async function countDays(
  layer: BatchLayer,
  days: ReadonlySet<string>,
  cut: Slot,
  lanes: readonly Lane[],
  imports: readonly string[],
): Promise<SlotsCounted> {
  const counted: SlotsCounted[] = []
  for (const day of [...days].sort()) {
    const from = Math.max(Date.parse(day), firstCut(layer.slotMs))
    const until = Math.min(from + DAY_MS, cut)
    counted.push((await countArrivals(layer, from, until, async () => lanes, imports)).counted)
  }
  return mergeCounts(counted)
}

/**
 * Counts what arrived between two slots.
 *
 * @param lanes lists the lanes of the log; it is called after the files are listed
 */
async function countArrivals(
  { objects, query, sql, slotMs }: BatchLayer,
  from: Slot,
  until: Slot,
  lanes: () => Promise<readonly Lane[]>,
  imports: readonly string[],
) {
  const read = await listArchive(objects, Math.max(from - lookBackMs(slotMs), firstCut(slotMs)), slotMs)
  const files = filesWithin(read, from, until)
  const slots = slotsOf(files)
  const archive = { files: read, lanes: await lanes() }
  return { files, slots, counted: await countSlots(query, sql, slotMs, slots, archive, imports) }
}

/** Starting point of an attempt to publish. */
interface Ground {
  /** Newest whole view. */
  base: View | undefined
  /** Revision of the view to publish. The revision of a damaged view is not used again. */
  revision: number
  startedMs: number
  /** The run's one reader of views. */
  views: ViewReader
}

interface Attempt {
  /** View to publish; undefined when there is nothing to publish. */
  next: View | undefined
  behind: Progress['behind']
}

/** Makes the next view from the newest whole one, and starts again as long as another run publishes in between. */
async function publishOnTop(layer: BatchLayer, attempt: (ground: Ground) => Promise<Attempt>): Promise<BatchRun> {
  const views = viewReader(layer.objects)
  await publishTables(layer.objects, views)
  for (;;) {
    const startedMs = layer.now()
    // The revision is read before the view: if another run publishes in between, this revision is taken, and publishing
    // fails.
    const { revision, view } = await views.chain()
    const isAllDamaged = revision > 0 && !view
    const runOn = async (base: View | undefined): Promise<BatchRun | undefined> => {
      // Every run looks for damage, even one that has nothing to add.
      await (base && views.classes(base))
      const { next, behind } = await attempt({ base, revision: revision + 1, startedMs, views })
      if (next && !(await publish(layer, base, next))) return undefined
      if (next) await publishTables(layer.objects, views)
      // This comes last: when incidents fail, the counts are already published.
      await publishIncidents(layer.objects, views)
      return { view: next ?? base, published: next !== undefined, behind }
    }
    try {
      // Without a whole view, everything is counted from the archive again.
      const run = await (isAllDamaged ? runOn(undefined) : views.read(runOn))
      if (run) return run
    } catch (error) {
      // Files that another run has replaced may be deleted while this run reads them.
      const isCurrent = (await views.chain()).revision === revision
      if (isCurrent || !(error instanceof ValidationError)) throw error
    }
  }
}

/** Returns the first slot in which nothing can have arrived by a clock that is right to within a slot. */
function futureFrom({ arrivalNeverGoesBack, slotMs, now }: BatchLayer): Slot {
  return arrivalNeverGoesBack ? Number.POSITIVE_INFINITY : slotOf(now(), slotMs) + 2 * slotMs
}

function filesWithin(files: readonly ArchiveFile[], from: Slot, until: Slot): ArchiveFile[] {
  return files.filter(({ slot }) => from <= slot && slot < until)
}

function slotsOf(files: readonly ArchiveFile[]): Slot[] {
  return [...new Set(files.map(({ slot }) => slot))].sort((a, b) => a - b)
}

function tally({ days, content, bytesScanned }: SlotsCounted, slots: number, files: number) {
  const rows = content.values().reduce((sum, slot) => sum + slot.rows, 0)
  const events = content.values().reduce((sum, slot) => sum + slot.events, 0)
  const images = days.reduce((sum, { history }) => sum + history.totals.count, 0)
  return { slots, files, rows, overlapping: rows - events, copies: events - images, bytesScanned }
}

async function publish({ objects }: BatchLayer, base: View | undefined, view: View): Promise<boolean> {
  if (await publishView(objects, view)) {
    await pruneViews(objects, view)
    return true
  }
  // Another run was faster: the files written only for this view are deleted.
  const kept = new Set(base && keysOf(base))
  for (const key of keysOf(view)) if (!kept.has(key)) await objects.delete(key)
  return false
}

/** Row of a day or a look, by its day of arrival. */
type Arrived = Pick<DayHistory, 'arrivalDay'>

type Counted = Pick<SlotsCounted, 'days' | 'looks'>

type Change = Pick<View, 'watched'> & { audit: Omit<Audit, 'images' | 'added' | 'seconds'> }

function isSame(imports: readonly string[], others: readonly string[]): boolean {
  return imports.length === others.length && imports.every(lane => others.includes(lane))
}

/** Makes the next view with further days. Only the parts with these days are rewritten. */
async function addToView(
  layer: BatchLayer,
  ground: Ground,
  { days, looks }: Counted,
  change: Change & Pick<View, 'cut' | 'imports'>,
): Promise<View> {
  const { base, revision, views } = ground
  const parts = { ...base?.parts }
  for (const [name, rows] of Map.groupBy(days, partOf)) {
    const known = parts[name] ? await views.part(parts[name]) : []
    parts[name] = await writePart(layer.objects, revision, name, mergeDays([...known, ...rows]))
  }
  const sites = await nextSiteParts({ ...ground, objects: layer.objects }, base?.sites, { added: looks })
  const classes = mergeClasses(base ? await views.classes(base) : new Map(), byClass(days))
  return finishView(layer, ground, { ...change, parts, sites, classes })
}

/** Makes the next view with some rows replaced. All time is added up again, because extremes cannot be subtracted. */
async function replaceInView(
  layer: BatchLayer,
  ground: Ground & { base: View },
  isReplaced: (row: Arrived) => boolean,
  { days, looks }: Counted,
  change: Change & Pick<View, 'cut' | 'imports'>,
): Promise<View> {
  const { base, revision, views } = ground
  const added = Map.groupBy(days, partOf)
  const parts: View['parts'] = {}
  let classes = new Map<string, DayHistory['history']>()
  for (const name of new Set([...Object.keys(base.parts), ...added.keys()])) {
    const part = base.parts[name]
    const known = part ? await views.part(part) : []
    const kept = known.filter(row => !isReplaced(row))
    const fresh = added.get(name) ?? []
    const rows = mergeDays([...kept, ...fresh])
    classes = mergeClasses(classes, byClass(rows))
    if (rows.length === 0) continue
    const isUnchanged = part !== undefined && kept.length === known.length && fresh.length === 0
    parts[name] = isUnchanged ? part : await writePart(layer.objects, revision, name, rows)
  }
  const sites = await nextSiteParts({ ...ground, objects: layer.objects }, base.sites, { added: looks, isReplaced })
  return finishView(layer, ground, { ...change, parts, sites, classes })
}

async function finishView(
  { objects, now }: BatchLayer,
  { base, revision, startedMs, views }: Ground,
  made: Change &
    Pick<View, 'cut' | 'imports' | 'parts' | 'sites'> & { classes: ReadonlyMap<string, DayHistory['history']> },
): Promise<View> {
  const { classes, audit, ...others } = made
  const images = classes.values().reduce((sum, { totals }) => sum + totals.count, 0)
  const classesKey = `${CLASSES_PREFIX}${revision}-${randomUUID()}.parquet`
  const bytes = encodeClasses(classes)
  await objects.put(classesKey, bytes)
  const nowMs = now()
  const added = images - (base?.audit.images ?? 0)
  const view = {
    revision,
    ...others,
    classesKey,
    classesSha256: sha256(bytes),
    publishedAt: formatTimestamp(nowMs),
    audit: { ...audit, images, added, seconds: (nowMs - startedMs) / 1000 },
  }
  await refuseUnequal(views, base, view)
  return view
}

async function writePart(
  objects: ObjectStore,
  revision: number,
  name: string,
  rows: readonly DayHistory[],
): Promise<Part> {
  const key = `history/${name}/${revision}-${randomUUID()}.parquet`
  const bytes = encodeDays(rows)
  await objects.put(key, bytes)
  const days = rows.map(({ day }) => day).sort()
  const images = rows.reduce((sum, { history }) => sum + history.totals.count, 0)
  return { key, sha256: sha256(bytes), firstDay: days[0] as string, lastDay: days.at(-1) as string, images }
}

/**
 * Returns the name of the part that a row belongs to: the month of arrival, or for imports, which all have the same
 * arrival day, the month of the event.
 */
function partOf(row: DayHistory): string {
  return isOfLog(row) ? row.arrivalDay.slice(0, 7) : `${IMPORT_PARTS}${row.day.slice(0, 7)}`
}

function isOfLog({ arrivalDay }: Arrived): boolean {
  return arrivalDay !== IMPORT_DAY
}
