import { createHash } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ImageError } from '../images/errors.ts'
import { UsageError } from './command.ts'

/** Folder in which scenes are looked for, and the work on each. */
export interface WatchedFolder {
  folder: string
  /** Time between two looks, ms. */
  everyMs: number
  /** Time after a failure that is not the scene's own, ms. */
  againAfterMs: number
  /** Ends the watch when the work on the current scene is done. */
  signal: AbortSignal
  /** Waits for a time, or until the watch ends. */
  wait(ms: number): Promise<void>
  /**
   * Observes the scene of an item, and publishes it.
   *
   * @returns what became of it, and whether that is the end of it
   * @throws ImageError when the scene cannot be observed
   * @throws UsageError when no scene can be observed in this way
   */
  observe(item: string): Promise<{ text: string; isFinal: boolean }>
  /** Prints the outcome of a scene. */
  tell(text: string): void
  tellFailure(text: string): void
}

/** Endings of the files that are written beside an item when the work on it is done. */
const OBSERVED = '.observed'
const REFUSED = '.refused'

/**
 * Observes the scenes that are put into a folder: STAC items, `*.json`, in it and in its folders. A scene is taken when
 * neither its item nor the files that the item names have changed between two looks. The outcome is written beside the
 * item, `item.json.observed` or `item.json.refused`; it is taken again when one of its files has changed, or when that
 * file is removed. A failure that is not the scene's own, such as a log that does not answer, leaves nothing: the scene
 * is taken again at the next look.
 */
export async function watchFolder(watched: WatchedFolder): Promise<void> {
  const { folder, everyMs, againAfterMs, signal, wait } = watched
  /** Marks of the items at the last look. */
  let before = new Map<string, string>()
  while (!signal.aborted) {
    const marks = new Map<string, string>()
    let waitMs = everyMs
    for (const item of await itemsIn(folder)) {
      const mark = await markOf(item)
      if (mark === undefined || (await isKnown(item, mark))) continue
      marks.set(item, mark)
      if (before.get(item) === mark && !(await takeScene(watched, item, mark))) waitMs = againAfterMs
      if (signal.aborted) return
    }
    before = marks
    await wait(waitMs)
  }
}

/** Works on a scene. Returns false when it must be tried again. */
async function takeScene({ observe, tell, tellFailure }: WatchedFolder, item: string, mark: string): Promise<boolean> {
  try {
    const { text, isFinal } = await observe(item)
    if (isFinal) await writeMark(`${item}${OBSERVED}`, mark, text)
    tell(`${item}: ${text}`)
    return isFinal
  } catch (error) {
    if (error instanceof UsageError) throw error
    const { message } = error as Error
    if (error instanceof ImageError) {
      await writeMark(`${item}${REFUSED}`, mark, message)
      tellFailure(
        `${item} is refused: ${message}. It is tried again when one of its files changes, or without ${basename(item)}${REFUSED}`,
      )
      return true
    }
    tellFailure(`${item} is tried again: ${message}`)
    return false
  }
}

/** Lists the items in a folder and in its folders. @throws ImageError when the folder cannot be read */
async function itemsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(error => {
    throw new ImageError(`${folder}: cannot be read (${(error as NodeJS.ErrnoException).code}); check the path`)
  })
  const inside = await Promise.all(
    entries
      .filter(entry => entry.isDirectory())
      .map(async ({ name }) =>
        (await readdir(join(folder, name)).catch(() => [])).map(file => join(folder, name, file)),
      ),
  )
  const files = [...entries.filter(entry => entry.isFile()).map(({ name }) => join(folder, name)), ...inside.flat()]
  return files.filter(file => file.endsWith('.json')).sort()
}

/** Makes a text that changes with an item and with the files beside it that it names; undefined if the item is gone. */
async function markOf(item: string): Promise<string | undefined> {
  const bytes = await readFile(item).catch(() => undefined)
  if (!bytes) return undefined
  const hash = createHash('sha256').update(bytes)
  for (const name of filesNamedIn(bytes.toString('utf8'))) {
    const found = await stat(join(dirname(item), name)).catch(() => undefined)
    hash.update(JSON.stringify([name, found?.size, found?.mtimeMs]))
  }
  return hash.digest('hex')
}

/** Names of the files of an item's assets. Nothing is checked here: a wrong item is reported when it is observed. */
function filesNamedIn(text: string): string[] {
  try {
    const assets = Object.values(Object((JSON.parse(text) as { assets?: unknown } | null)?.assets)) as {
      href?: unknown
    }[]
    const names = assets.map(asset => Object(asset).href as unknown).filter(href => typeof href === 'string')
    return [...new Set(names.map(href => basename(href)))].sort()
  } catch {
    return []
  }
}

async function isKnown(item: string, mark: string): Promise<boolean> {
  const noted = await Promise.all(
    [OBSERVED, REFUSED].map(ending => readFile(`${item}${ending}`, 'utf8').catch(() => '')),
  )
  return noted.some(text => text.startsWith(`${mark}\n`))
}

async function writeMark(path: string, mark: string, text: string): Promise<void> {
  await writeFile(path, `${mark}\n${text}\n`)
}
