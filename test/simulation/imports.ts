import { type Random, randomNumbers } from '../../data/random.ts'
import { importEvents, laneOfImport, withdrawImport } from '../../functions/archive/imports.ts'
import { looksAtSite } from '../../functions/batch/site-parts.ts'
import { decodeEvent, type ImageEvent } from '../../functions/core/event.ts'
import { HOUR_MS, MINUTE_MS } from '../../functions/core/time.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { NOON_MS, wireEvent } from '../support/factories.ts'
import { openPipeline, type Pipeline } from '../support/pipeline.ts'

/**
 * Histories of imports: files that overlap, that replace, that are imported again and undone, and processes that end in
 * between. After each batch run the counts must be those of a model in memory.
 */

const STEPS = 14
const CLASSES = ['Forest', 'River']
const IDS = ['a', 'b', 'c']
const TIMES = [0, 1, 2]

/** File of people: its rows are always the same. */
interface PeoplesFile {
  name: string
  isReplacing: boolean
  rows: ImageEvent[]
}

/** Finished import, as the model has it. */
interface Finished extends PeoplesFile {
  importedMs: number
}

class CrashError extends Error {}

/**
 * Plays a history of imports.
 *
 * @returns what differs from the model, after which step; null when nothing does
 */
export async function playImports(seed: number): Promise<string | null> {
  const random = randomNumbers(seed, 0, 0)
  const pipeline = await openPipeline({
    streamIdentity: 'stream',
    slotMs: HOUR_MS,
    lanes: async () => [],
    now: () => NOON_MS,
  })
  try {
    return await play(pipeline, random)
  } finally {
    await pipeline.close()
  }
}

async function play(pipeline: Pipeline, random: Random): Promise<string | null> {
  const files = Array.from({ length: 4 }, (_, index) => someFile(`file${index}`, random))
  const finished = new Map<string, Finished>()
  for (let step = 0; step < STEPS; step++) {
    const file = pick(files, random)
    const isKnown = finished.has(file.name)
    const importedMs = NOON_MS + step * MINUTE_MS
    if (isKnown && random() < 0.4) await undo(pipeline, file, finished, random)
    else await putInto(pipeline, file, importedMs, finished, random)
    if (random() < 0.4) continue
    await pipeline.runBatch()
    const [found, expected] = [await countsOf(pipeline), countsOfModel([...finished.values()])]
    if (found !== expected) return `step ${step}, ${file.name}: ${found} is counted, and not ${expected}`
  }
  return null
}

function someFile(name: string, random: Random): PeoplesFile {
  const rows = Array.from(
    { length: 1 + Math.floor(random() * 8) },
    () =>
      decodeEvent(
        wireEvent({
          class_name: pick(CLASSES, random),
          image_id: pick(IDS, random),
          timestamp: new Date(NOON_MS - HOUR_MS + pick(TIMES, random)).toISOString(),
          ndvi_mean: Math.floor(random() * 1_000) / 1_000,
        }),
        NOON_MS,
      ),
    // Images of one id have a site.
  ).map(event => (event.imageId === 'a' ? { ...event, siteId: 'field' } : event))
  return { name, isReplacing: random() < 0.4, rows }
}

/** The process may end before or after any of its writes. */
async function putInto(
  { objects }: Pipeline,
  file: PeoplesFile,
  importedMs: number,
  finished: Map<string, Finished>,
  random: Random,
): Promise<void> {
  const { name, isReplacing, rows } = file
  const markers = () => Array.fromAsync(objects.list('imports/'))
  const before = await markers()
  try {
    await importEvents(crashing(objects, random), HOUR_MS, name, [rows], importedMs, { isReplacing })
  } catch (error) {
    if (!(error instanceof CrashError)) throw error
    // An import that has its marker is finished, even if its process never knew.
    if ((await markers()).length === before.length) return
  }
  if (!finished.has(name)) finished.set(name, { ...file, importedMs })
}

async function undo(
  { objects, runBatch }: Pipeline,
  { name, isReplacing }: PeoplesFile,
  finished: Map<string, Finished>,
  random: Random,
): Promise<void> {
  const remove = await withdrawImport(objects, HOUR_MS, laneOfImport(name, isReplacing))
  finished.delete(name)
  // The process ended before its batch run, so that the files stay.
  if (random() < 0.3) return
  await runBatch()
  await remove()
}

function crashing(objects: ObjectStore, random: Random): ObjectStore {
  const orCrash = async <Answer>(write: () => Promise<Answer>): Promise<Answer> => {
    const luck = random()
    if (luck < 0.1) throw new CrashError()
    const answer = await write()
    if (luck < 0.2) throw new CrashError()
    return answer
  }
  return {
    ...objects,
    put: (key, bytes) => orCrash(() => objects.put(key, bytes)),
    putIfAbsent: (key, bytes) => orCrash(() => objects.putIfAbsent(key, bytes)),
  }
}

async function countsOf(pipeline: Pipeline): Promise<string> {
  const totals = await pipeline.batchTotals()
  const { views } = pipeline.serving
  const view = await views.current()
  const looks = view ? await looksAtSite(views, view, 'field') : []
  return textOf(
    Array.from(totals, ([key, { count, ndviSum }]) => [key.split(' ')[1] as string, count, Number(ndviSum)]),
    looks.map(({ event }) => event),
  )
}

/** Of each image the row of the latest import that replaces counts, otherwise of the earliest; of a file the first. */
function countsOfModel(imports: readonly Finished[]): string {
  const rank = ({ isReplacing, importedMs }: Finished) => (isReplacing ? -importedMs : importedMs)
  const images = new Map<string, ImageEvent>()
  for (const { rows } of imports.toSorted((a, b) => rank(a) - rank(b))) {
    for (const row of rows) {
      const image = JSON.stringify([row.className, row.imageId, row.eventMs])
      if (!images.has(image)) images.set(image, row)
    }
  }
  const rows = [...images.values()]
  const classes = Map.groupBy(rows, ({ className }) => className)
  return textOf(
    Array.from(classes, ([className, of]) => [className, of.length, of.reduce((sum, row) => sum + row.ndviMean, 0)]),
    rows.filter(({ siteId }) => siteId !== null),
  )
}

function textOf(rows: [className: string, count: number, sum: number][], looks: readonly ImageEvent[]): string {
  const atSite = looks.map(({ className, eventMs, ndviMean }) => `${className} ${eventMs} ${ndviMean}`).sort()
  return JSON.stringify([rows.sort(([a], [b]) => (a < b ? -1 : 1)), atSite])
}

function pick<T>(values: readonly T[], random: Random): T {
  return values[Math.floor(random() * values.length)] as T
}
