import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { link, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'

/** The format of a state folder's settings; the other files of the folder have formats of their own. */
const SETTINGS_FORMAT = 1

/** What a state folder settles for as long as it exists. */
const Settings = z.object({
  format: z.literal(SETTINGS_FORMAT),
  /** Length of the arrival slots, ms: the totals in the folder are cut by it. */
  slotMs: z.int().positive(),
  /** Whether the folder holds demo data and is fed with more of it. */
  demo: z.boolean(),
  /** When the folder was made, ms. */
  createdMs: z.int(),
  /** Addresses of the event log and the speed store, where they are not files of the folder. */
  log: z.string().optional(),
  store: z.string().optional(),
})
export type Settings = z.infer<typeof Settings>

const FILE = 'landcover.json'

/** What a system keeps in the folder beside its settings. */
const OWN_NAMES = /^((log|store|checkpoints|lock)\.sqlite(-\w+)?|objects|(alerts|metrics)\.ndjson(\.old)?)$/

export const logFile = (folder: string) => join(folder, 'log.sqlite')
export const storeFile = (folder: string) => join(folder, 'store.sqlite')

/** The folder's settings; a folder without any gets these. @throws Error when they cannot be read */
export async function openState(folder: string, forNew: Omit<Settings, 'format'>): Promise<Settings> {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, FILE)
  if (existsSync(file)) return readSettings(file)
  const written = `${file}.${process.pid}`
  const settings: Settings = { format: SETTINGS_FORMAT, ...forNew }
  await writeFile(written, formatSettings(settings))
  try {
    await link(written, file)
    return settings
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return readSettings(file)
  } finally {
    await rm(written)
  }
}

function readSettings(file: string): Settings {
  try {
    return Settings.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    throw new Error(`${file} is not a landcover state (${(error as Error).message}): start anew with --fresh`)
  }
}

/** Puts other settings in place of a folder's; only who holds its lock may. */
export async function changeState(folder: string, settings: Settings): Promise<void> {
  const file = join(folder, FILE)
  const written = `${file}.${process.pid}`
  await writeFile(written, formatSettings(settings))
  await rename(written, file)
}

function formatSettings(settings: Settings): string {
  return `${JSON.stringify(settings, null, 2)}\n`
}

/** The settings of a folder that must hold a state. @throws Error when it holds none */
export function readState(folder: string): Settings {
  const file = join(folder, FILE)
  if (!existsSync(file)) throw new Error(`there is no landcover state in ${folder}: npm start makes one`)
  return readSettings(file)
}

/**
 * Removes what a system keeps in a state folder, its settings last, and nothing else that lies there. Only a folder
 * that holds a state, and that no system runs on, is touched.
 *
 * @throws Error when there is something else in it, or a system runs on it
 */
export function removeState(folder: string): void {
  if (!existsSync(folder)) return
  if (!existsSync(join(folder, FILE))) {
    throw new Error(`${folder} is not a landcover state folder: remove it yourself if it may go`)
  }
  lockState(folder).release()
  const names = readdirSync(folder).filter(name => OWN_NAMES.test(name))
  for (const name of names) rmSync(join(folder, name), { recursive: true })
  rmSync(join(folder, FILE))
}

/**
 * Claims the folder for one running system. The claim is a lock of the operating system on a file, so it ends with
 * the process, however that ends.
 *
 * @throws Error when another system runs on the folder
 */
export function lockState(folder: string): { release(): void } {
  const database = new DatabaseSync(join(folder, 'lock.sqlite'))
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT')
  } catch {
    database.close()
    throw new Error(`a landcover is already running on ${folder}: stop it, or choose another folder with --state`)
  }
  return { release: () => database.close() }
}
