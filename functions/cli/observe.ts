import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { SECOND_MS } from '../core/time.ts'
import { type ChipOptions, explainChips, findChips, observeChip } from '../images/chips/observe-chips.ts'
import { readLegend } from '../images/classes/legend.ts'
import { type CellsObserved, observeCells } from '../images/classes/observe-cells.ts'
import { ImageError } from '../images/errors.ts'
import { observeScene } from '../images/observe.ts'
import { emptySummary, type Observation, type Summary } from '../images/output/rows.ts'
import { formOf, writeObservations } from '../images/output/write-observations.ts'
import { bandsOfFlags, planOfFlags, planWithFlags, type SceneFlags, timeOf } from '../images/scene/flags.ts'
import { openFilesOf, readItem } from '../images/scene/item-source.ts'
import { type OpenScene, openScene } from '../images/scene/open-scene.ts'
import type { ScenePlan } from '../images/scene/plan.ts'
import { planOfItem } from '../images/scene/stac-item.ts'
import type { WebAccess } from '../images/scene/web-source.ts'
import { readSites } from '../images/sites/read-sites.ts'
import type { Site } from '../images/sites/site.ts'
import { sitesReader } from '../images/sites/stored-sites.ts'
import { openRaster } from '../images/tiff/raster.ts'
import { openFile } from '../images/tiff/source.ts'
import { RULES, type Rule } from '../images/zonal/observe-sites.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { runCommand, UsageError, wholeNumber } from './command.ts'
import { numberWithin, OBSERVE_FLAGS, type ObserveFlags, oneOf, sceneFlagsOf } from './observe-flags.ts'
import { progressLine } from './progress.ts'
import { publishObservations } from './publish-observations.ts'
import { type RuntimeChoice, withRuntime } from './runtime.ts'
import { watchFolder } from './watch-folder.ts'

/** Settings of the measurement, and the progress line. */
interface Work {
  rule: Rule
  texture: boolean
  replace: boolean
  minValid: number
  progress: ReturnType<typeof progressLine>
}

/** Observations, and a text about the zones that gave none. */
interface Outcome {
  /** Null for chips. */
  plan: ScenePlan | null
  observations: Observation[]
  told: string
  failed: number
}

/** Time between two checks of a watched folder, ms. */
const WATCH_EVERY_MS = 2 * SECOND_MS
/** Time after which a scene is tried again when the system did not answer, ms. */
const WATCH_AGAIN_MS = 30 * SECOND_MS

/** Flags that a watch refuses: they describe one scene or its output. */
const NOT_WATCHED = ['out', 'explain', 'red', 'nir', 'green', 'blue', 'mask', 'mask-kind', 'timestamp', 'epsg'] as const

/** Created when it is first needed. Until then SIGINT and SIGTERM end the process immediately. */
let stopping: AbortController | undefined

await runCommand(
  {
    usage: 'npm run observe -- [ITEM|CHIPS] [--sites FILE | --classes-raster FILE] [--out FILE] [flags]',
    summary:
      'Measures NDVI in satellite images (GeoTIFF), and publishes the statistics as events, each image once. With --out it\n' +
      'writes them to a file instead. The input is a scene with sites, or a scene with a map of classes, or a folder of\n' +
      'chips (CLASS/NAME.tif). A scene is a STAC item (a file or an address) with its images, or one file for each band.',
    flags: OBSERVE_FLAGS,
    arguments: 1,
  },
  async (flags, argument) => {
    const progress = progressLine(process.stderr)
    const work = {
      rule: oneOf('rule', flags.rule, RULES) as Rule,
      texture: flags.texture === true,
      replace: flags.replace === true,
      minValid: numberWithin('min-valid', flags['min-valid'], 0, 1),
      progress,
    }
    const { out } = flags
    if (work.replace && (out !== undefined || flags.explain))
      throw new UsageError('--replace goes with publishing: it takes no --out and no --explain')
    if (out !== undefined) formOf(out)
    if (flags.watch !== undefined) return watch(flags.watch, argument, flags, work)
    const observe = async (runtime?: Runtime) => {
      const isFolder = argument !== undefined && (await stat(argument).catch(() => null))?.isDirectory()
      return isFolder ? observeChips(argument, flags, work) : observeOneScene(argument, flags, work, runtime)
    }
    try {
      if (out === undefined && !flags.explain) {
        return await withRuntime(flags, async runtime => publish(runtime, await observe(runtime), work))
      }
      const outcome = await observe()
      progress.clear()
      if (!outcome || out === undefined) return 0
      await writeObservations(out, outcome.observations, work)
      process.stdout.write(`observe: ${outcome.told}; wrote ${out}\n`)
      return outcome.observations.length > 0 && outcome.failed === 0 ? 0 : 1
    } finally {
      progress.clear()
    }
  },
)

/** Publishes the scenes of a folder until the process is told to stop. Returns the exit code. */
async function watch(
  folder: string,
  argument: string | undefined,
  flags: ObserveFlags & RuntimeChoice,
  work: Work,
): Promise<number> {
  const wrong = NOT_WATCHED.find(name => flags[name] !== undefined)
  if (wrong !== undefined) throw new UsageError(`--watch takes no --${wrong}: it publishes the scenes of STAC items`)
  if (argument !== undefined) throw new UsageError(`--watch takes no '${argument}': the folder holds the scenes`)
  const { progress } = work
  const tellOn = (stream: NodeJS.WriteStream) => (text: string) => {
    progress.clear()
    stream.write(`${text}\n`)
  }
  await withRuntime(flags, async runtime => {
    // Without sites no scene can be observed. Scenes are not refused for this.
    if (flags['classes-raster'] === undefined) await sitesOf(flags, runtime)
    await watchFolder({
      ...{ folder, everyMs: WATCH_EVERY_MS, againAfterMs: WATCH_AGAIN_MS, signal: stopSignal() },
      wait: ms => sleep(ms, undefined, { signal: stopSignal() }).catch(() => {}),
      observe: async item => publishOne(runtime, await observeOneScene(item, flags, work, runtime), work),
      tell: tellOn(process.stdout),
      tellFailure: tellOn(process.stderr),
    })
  })
  return 0
}

/** Signal that ends a publication, or a watch after its current scene. A second SIGINT or SIGTERM ends the process. */
function stopSignal(): AbortSignal {
  if (!stopping) {
    const controller = new AbortController()
    stopping = controller
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  }
  return stopping.signal
}

/** Publishes the events of a scene to the running system. Returns the exit code. */
async function publish(runtime: Runtime, outcome: Outcome | null, work: Work): Promise<number> {
  const { text, isDone, events } = await publishOne(runtime, outcome, work)
  process.stdout.write(`observe: ${text}\n`)
  return events > 0 && isDone ? 0 : 1
}

async function publishOne(runtime: Runtime, outcome: Outcome | null, work: Work) {
  const { progress } = work
  const { plan, observations, told } = outcome as Outcome & { plan: ScenePlan }
  const options = { texture: work.texture, replace: work.replace, signal: stopSignal() }
  const { text, ...ended } = await publishObservations(runtime, plan, observations, options, error => {
    progress.clear()
    process.stderr.write(`not stored yet, sending again: ${error}\n`)
  })
  progress.clear()
  return { text: `${told}; ${text}`, ...ended, events: observations.length }
}

/** Observes a scene by sites or by classes. Null when --explain is given without --out. */
async function observeOneScene(
  item: string | undefined,
  flags: ObserveFlags,
  work: Work,
  runtime: Runtime | undefined,
): Promise<Outcome | null> {
  const { sites, 'classes-raster': classesRaster } = flags as Record<string, string | undefined>
  if (sites !== undefined && classesRaster !== undefined) {
    throw new UsageError('a scene needs either --sites FILE or --classes-raster FILE')
  }
  const sceneFlags = sceneFlagsOf(flags)
  const access = { hosts: new Set(flags['image-host'] as string[] | undefined) }
  const plan = await planOf(item, sceneFlags, access)
  const open = await openScene(plan, sourcesOf(item, sceneFlags, access))
  try {
    if (flags.explain) process.stdout.write(`${open.explanation.join('\n')}\n`)
    if (flags.out === undefined && flags.explain) return null
    if (classesRaster !== undefined) return await byClass(plan, open, flags, work)
    return await bySite(plan, open, await sitesOf(flags, runtime), work)
  } finally {
    await open.close()
  }
}

/** Sites to observe, with the words about them for messages. */
interface SitesToObserve {
  sites: readonly Site[]
  /** Begins a sentence: the number of sites, and where they are from. */
  told: string
  /** Ends that sentence. */
  leftOut: string
}

/** Reads the sites of a file, or else those that the system has stored. */
async function sitesOf(flags: ObserveFlags, runtime: Runtime | undefined): Promise<SitesToObserve> {
  const file = flags.sites as string | undefined
  if (file === undefined) return storedSitesOf(flags, runtime)
  const fields = { siteId: flags['site-id'] as string, className: flags.class as string }
  const { sites, withoutArea } = await readSites(file, fields)
  const leftOut = withoutArea > 0 ? `, ${withoutArea} features without an area left out` : ''
  return { sites, told: `${sites.length} sites`, leftOut }
}

async function storedSitesOf(flags: ObserveFlags, runtime: Runtime | undefined): Promise<SitesToObserve> {
  const read = ({ objects }: Runtime) => sitesReader(objects)()
  const places = flags as RuntimeChoice
  const needed = 'a scene needs --sites FILE, --classes-raster FILE or stored sites'
  const stored = await (runtime ? read(runtime) : withRuntime(places, read)).catch(error => {
    throw new UsageError(`${needed}, and those cannot be read: ${(error as Error).message}`)
  })
  if (!stored) throw new UsageError(`${needed}, and none are stored yet: npm run sites -- import FILE`)
  const { sites, version } = stored
  return { sites, told: `${sites.length} sites of stored version ${version.version}`, leftOut: '' }
}

async function bySite(
  plan: ScenePlan,
  open: OpenScene,
  { sites, told, leftOut }: SitesToObserve,
  work: Work,
): Promise<Outcome> {
  const { observations, summary } = await observeScene(plan, open, sites, { ...work, onRows: showRows(work) })
  return { plan, observations, told: `${told}, ${describe(summary)}${leftOut}`, failed: 0 }
}

async function byClass(plan: ScenePlan, open: OpenScene, flags: ObserveFlags, work: Work): Promise<Outcome> {
  if (flags.legend === undefined) throw new UsageError("--legend names the map's values")
  if (flags.cell === undefined) throw new UsageError('--cell takes the side of the cells in metres, for example 1000')
  const legend = await readLegend(flags.legend as string)
  const cellSize = numberWithin('cell', flags.cell as string, Number.MIN_VALUE, 1e9)
  const raster = await openRaster(await openFile(flags['classes-raster'] as string))
  try {
    const map = { raster, legend, cellSize }
    const { observations, summary, unknown } = await observeCells(plan, open, map, { ...work, onRows: showRows(work) })
    const zones = Object.values(summary).reduce((sum, count) => sum + count, 0)
    return {
      plan,
      observations,
      told: `${zones} classes in cells, ${describe(summary)}${describeUnknown(unknown)}`,
      failed: 0,
    }
  } finally {
    await raster.source.close()
  }
}

function describeUnknown(unknown: CellsObserved['unknown']): string {
  const parts = [...unknown].sort(([a], [b]) => a - b).map(([code, count]) => `${count} pixels of ${code}`)
  return parts.length > 0 ? `; not in the legend: ${parts.join(', ')}` : ''
}

async function observeChips(folder: string, flags: ObserveFlags, work: Work): Promise<Outcome | null> {
  const { progress } = work
  if (flags.out === undefined && !flags.explain) {
    throw new UsageError(
      'chips belong to no scene, so a repeat could not be recognised: give --out FILE, and send it with npm run produce',
    )
  }
  const options = chipOptionsOf(flags, work)
  const chips = await findChips(folder)
  if (flags.explain) process.stdout.write(`${explainChips(options).join('\n')}\n`)
  if (flags.out === undefined) return null
  const summary = emptySummary()
  const observations: Observation[] = []
  let failed = 0
  for (const [index, chip] of chips.entries()) {
    progress.show(`${index} of ${chips.length} chips`)
    try {
      const observation = await observeChip(chip, options, summary)
      if (observation) observations.push(observation)
    } catch (error) {
      if (!(error instanceof ImageError)) throw error
      // The other chips are still observed.
      failed++
      progress.clear()
      process.stderr.write(`${error.message}\n`)
    }
  }
  const time = options.timestamp === null ? '; the time when they were taken is unknown (--timestamp)' : ''
  const refused = failed > 0 ? `, ${failed} refused` : ''
  return { plan: null, observations, told: `${chips.length} chips, ${describe(summary)}${refused}${time}`, failed }
}

function chipOptionsOf(flags: ObserveFlags, { texture, minValid }: Work): ChipOptions {
  const { bands, mask, ...scene } = sceneFlagsOf(flags)
  if (mask || flags.sites !== undefined || flags['classes-raster'] !== undefined) {
    throw new UsageError('chips are observed whole: they take no --mask, --sites or --classes-raster')
  }
  const numbers: ChipOptions['bands'] = {}
  for (const [name, text] of Object.entries(bands)) {
    numbers[name as keyof typeof numbers] = wholeNumber(name, text, 1, 512)
  }
  const timestamp = scene.timestamp === null ? null : timeOf(scene.timestamp)
  return { ...scene, timestamp, bands: numbers, texture, minValid }
}

async function planOf(item: string | undefined, flags: SceneFlags, access: WebAccess): Promise<ScenePlan> {
  if (item === undefined) return planOfFlags(flags)
  const text = await readItem(item, access)
  return planWithFlags(planOfItem(text, item, bandsOfFlags(flags)), flags)
}

function sourcesOf(item: string | undefined, { bands, mask }: SceneFlags, access: WebAccess) {
  const named = Object.values(bands).map(text => text.replace(/:\d+$/, ''))
  return openFilesOf(item, new Set(mask ? [...named, mask.file] : named), access)
}

function showRows({ progress }: Work) {
  return (done: number, all: number) => progress.show(`${done} of ${all} rows`)
}

function describe(summary: Summary): string {
  const parts = [
    `${summary.cloudy} cloudy`,
    `${summary.nothingValid} with nothing valid`,
    `${summary.outside} outside`,
    summary.tooLittleValid > 0 && `${summary.tooLittleValid} with too little valid`,
  ]
  return `${summary.observed} events; ${parts.filter(part => part !== false).join(', ')}`
}
