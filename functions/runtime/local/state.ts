import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs'
import { link, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DEFAULT_LATENESS } from '../../core/lateness.ts'
import { readSettings, SETTINGS_FILE, SETTINGS_FORMAT, type Settings } from './settings.ts'

/** Name of the file that replaces the settings while a folder's state is being removed. */
const REMOVAL_MARK = 'landcover.removing'

const LOCK = /^lock\.sqlite(-\w+)?$/
/** Names of a system's files in the folder, besides its settings and its lock. */
const OWN_NAMES =
  /^((log|store|checkpoints)\.sqlite(-\w+)?|objects|(alerts|metrics)\.ndjson(\.old)?|landcover\.json\.\d+)$/

/** Paths in a state folder. */
export const logFile = (folder: string) => join(folder, 'log.sqlite')
export const storeFile = (folder: string) => join(folder, 'store.sqlite')
export const checkpointsFile = (folder: string) => join(folder, 'checkpoints.sqlite')
export const objectsFolder = (folder: string) => join(folder, 'objects')

/**
 * Reads the folder's settings. A folder without settings gets the given ones, and an id. An interrupted removal is
 * finished first.
 *
 * @throws Error when they cannot be read or written
 */
export async function openState(folder: string, forNew: Omit<Settings, 'format' | 'systemId'>): Promise<Settings> {
  const file = join(folder, SETTINGS_FILE)
  if (existsSync(file)) return readSettings(folder)
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw cannotWrite(folder, error)
  }
  if (isBeingRemoved(folder)) finishRemoval(folder)
  const lateness = DEFAULT_LATENESS
  const settings: Settings = { format: SETTINGS_FORMAT, systemId: randomUUID(), lateness, ...forNew }
  const made = await writeSettings(folder, settings, (written, target) => link(written, target))
  return made ? settings : readSettings(folder)
}

/** Replaces the settings of a folder. Only the holder of its lock may do this. */
export async function changeState(folder: string, settings: Settings): Promise<void> {
  await writeSettings(folder, settings, rename)
}

/** Adds an id to a state of an older format. Only the holder of its lock may do this. */
export async function identifyState(folder: string, settings: Settings): Promise<Settings & { systemId: string }> {
  const { systemId } = settings
  if (systemId !== undefined) return { ...settings, systemId }
  const identified = { ...settings, format: SETTINGS_FORMAT, systemId: randomUUID() }
  await changeState(folder, identified)
  return identified
}

/**
 * Writes the settings.
 *
 * @returns false when `place` finds settings already
 */
async function writeSettings(
  folder: string,
  settings: Settings,
  place: (written: string, file: string) => Promise<void>,
): Promise<boolean> {
  const file = join(folder, SETTINGS_FILE)
  const written = `${file}.${process.pid}`
  try {
    const handle = await open(written, 'w')
    try {
      await handle.writeFile(`${JSON.stringify(settings, null, 2)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await place(written, file)
    syncFolder(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw cannotWrite(file, error)
  } finally {
    await rm(written, { force: true })
  }
}

/**
 * Reads the settings of a folder that must contain a state.
 *
 * @throws Error when it contains none
 */
export function readState(folder: string): Settings {
  if (hasState(folder)) return readSettings(folder)
  if (isBeingRemoved(folder)) {
    throw new Error(
      `the state in ${folder} was being removed (--fresh), and parts are missing: npm start finishes the removal`,
    )
  }
  throw new Error(`there is no landcover state in ${folder}: npm start makes one`)
}

/** Returns true when the folder has a state. */
export function hasState(folder: string): boolean {
  return existsSync(join(folder, SETTINGS_FILE))
}

/** @throws Error when a system runs on the folder's state */
export function refuseIfRunning(folder: string): void {
  if (hasState(folder)) lockState(folder).release()
}

/**
 * Notes whether a folder is missing or empty.
 *
 * @returns a function that removes the state which was made in such a folder since then, and the folder if that was
 *   made, too. It does nothing for other folders: they may hold the files of a state that has lost its settings
 */
export function newStateRemoval(folder: string): () => void {
  const isMissing = !existsSync(folder)
  if (!isMissing && readdirSync(folder).length > 0) return () => {}
  return () => {
    if (hasState(folder)) removeState(folder)
    if (isMissing && existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder)
  }
}

function isBeingRemoved(folder: string): boolean {
  return existsSync(join(folder, REMOVAL_MARK)) && !hasState(folder)
}

/**
 * Removes the files of a system in a state folder, and nothing else. The folder must contain a state, and no system may
 * run on it. From the first moment the state counts as removed: the next openState finishes an interrupted removal.
 *
 * @throws Error when the folder contains other files, or a system runs on it
 */
export function removeState(folder: string): void {
  if (!existsSync(folder)) return
  const file = join(folder, SETTINGS_FILE)
  if (existsSync(file)) {
    const lock = lockState(folder)
    renameSync(file, join(folder, REMOVAL_MARK))
    syncFolder(folder)
    lock.release()
  }
  if (!isBeingRemoved(folder)) {
    throw new Error(`${folder} is not a landcover state folder: remove it yourself if it may go`)
  }
  finishRemoval(folder)
}

function finishRemoval(folder: string): void {
  const lock = lockState(folder)
  try {
    // Another process may have finished the removal and started a new state before this process got the lock.
    if (!isBeingRemoved(folder)) return
    removeNames(folder, OWN_NAMES)
    // The mark is removed after everything else is removed durably, even after a power failure.
    syncFolder(folder)
    rmSync(join(folder, REMOVAL_MARK))
    syncFolder(folder)
    removeNames(folder, LOCK)
  } finally {
    lock.release()
  }
}

function removeNames(folder: string, names: RegExp): void {
  for (const name of readdirSync(folder)) {
    if (names.test(name)) rmSync(join(folder, name), { recursive: true, force: true })
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** @see https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5

/**
 * Locks the folder for one running system. The lock is one of the operating system on a file, so it ends with the
 * process in any case.
 *
 * @throws Error when another system runs on the folder, or the file cannot be written
 */
export function lockState(folder: string): { release(): void } {
  const file = join(folder, 'lock.sqlite')
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file)
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT')
  } catch (error) {
    database?.close()
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw cannotWrite(file, error)
    throw new Error(`a landcover is already running on ${folder}: stop it, or choose another folder with --state`)
  }
  const locked = database
  return { release: () => locked.close() }
}

function cannotWrite(file: string, error: unknown): Error {
  return new Error(
    `cannot write ${file} (${(error as Error).message}): make room on its disk, or make it writable, or choose another folder with --state`,
    { cause: error },
  )
}
