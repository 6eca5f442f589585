import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { openFolderObjectStore } from '../../adapters/files/object-store.ts'
import { backupSqlite } from '../../adapters/sqlite/database.ts'
import { copyMissingClaims } from '../../adapters/sqlite/quarantine.ts'
import { isScenePromise, SCENES_PREFIX } from '../../images/output/publish.ts'
import { readSettings, SETTINGS_FILE } from './settings.ts'
import { checkpointsFile, logFile, objectsFolder, readState, storeFile } from './state.ts'

/**
 * Manifest of a backup. A backup is a folder of files as in a state folder, and the manifest is written last. Without
 * it, or when a file differs from it, the backup is not complete.
 */
const MANIFEST_FILE = 'backup.json'

/** Format number of the manifest. */
const BACKUP_FORMAT = 1

const Manifest = z.object({
  format: z.literal(BACKUP_FORMAT),
  /** Start of the backup, ms. It contains everything that was acknowledged before. */
  startedMs: z.int(),
  /** Files by path in the backup, with `/`. */
  files: z.record(z.string(), z.object({ bytes: z.int(), sha256: z.string() })),
})
export type Manifest = z.infer<typeof Manifest>

/**
 * Key prefixes of objects that name others. The named objects were written before them, so a later list contains them.
 * See publishView and compactArchive.
 */
const NAMING_OTHERS = ['views/', 'compactions/']
const MOST_PASSES = 100

/**
 * Copies a state while its system may be running: first the store with its checkpoints, then the objects, then the log.
 * So each is at least as far as the ones before it need. A start reads the difference again, as after kill -9. Last come
 * the claims that redrives and observations made meanwhile. Without them, what they appended to the log would be appended
 * again, and count twice.
 *
 * @param target an absent or empty folder
 * @throws Error when there is no state, or the target contains files
 */
export async function backupState(folder: string, target: string, now: () => number): Promise<Manifest> {
  const settings = readState(folder)
  refuseUnlessEmpty(target)
  mkdirSync(target, { recursive: true })
  const startedMs = now()
  await copyFile(join(folder, SETTINGS_FILE), join(target, SETTINGS_FILE))
  const databases = { store: settings.store === undefined ? storeFile : checkpointsFile, log: logFile }
  if (existsSync(databases.store(folder))) await backupSqlite(databases.store(folder), databases.store(target))
  const keys = await copyObjects(objectsFolder(folder), objectsFolder(target))
  if (settings.log === undefined && existsSync(logFile(folder))) await backupSqlite(logFile(folder), logFile(target))
  // Systems before 0.2.0 wrote unusual images to this file, too.
  if (settings.log === undefined) keys.push(...(await copyClaims(folder, target, keys, settings.store === undefined)))
  const alerts = 'alerts.ndjson'
  if (existsSync(join(folder, alerts))) await copyFile(join(folder, alerts), join(target, alerts))

  const paths = readdirSync(target, { withFileTypes: true }).filter(entry => entry.isFile())
  const manifest: Manifest = { format: BACKUP_FORMAT, startedMs, files: {} }
  for (const path of [...paths.map(({ name }) => name), ...keys.map(key => `objects/${key}`)]) {
    manifest.files[path] = await fingerprint(join(target, ...path.split('/')))
  }
  await writeSynced(join(target, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`)
  return manifest
}

/**
 * Copies all objects. If compaction or a newer view removes an object meanwhile, its content is in other objects, so
 * all are listed again.
 */
async function copyObjects(from: string, to: string): Promise<string[]> {
  const source = openFolderObjectStore(from)
  const target = openFolderObjectStore(to)
  const copied = new Set<string>()
  for (let pass = 1; pass <= MOST_PASSES; pass++) {
    const keys = new Set<string>()
    for (const prefix of [...NAMING_OTHERS, '']) for await (const key of source.list(prefix)) keys.add(key)
    let isWhole = true
    for (const key of keys) {
      // Files of the archive never change.
      if (copied.has(key) && key.startsWith('archive/')) continue
      const bytes = await source.get(key)
      if (!bytes) {
        isWhole = false
        break
      }
      await target.put(key, bytes)
      copied.add(key)
    }
    if (!isWhole) continue
    for (const key of copied) if (!keys.has(key)) await target.delete(key)
    return [...keys]
  }
  throw new Error(`the objects in ${from} were removed faster than they could be copied: run the backup again`)
}

/**
 * Copies the claims that were made since the store and the objects were copied.
 *
 * @param isOwnStore the store is a file of the folder
 * @returns keys of the objects that were copied
 */
async function copyClaims(
  folder: string,
  target: string,
  copied: readonly string[],
  isOwnStore: boolean,
): Promise<string[]> {
  if (isOwnStore && existsSync(storeFile(target))) copyMissingClaims(storeFile(folder), storeFile(target))
  const source = openFolderObjectStore(objectsFolder(folder))
  const known = new Set(copied)
  const keys: string[] = []
  for await (const key of source.list(SCENES_PREFIX)) {
    if (known.has(key) || !isScenePromise(key)) continue
    const bytes = await source.get(key)
    if (!bytes) continue
    await openFolderObjectStore(objectsFolder(target)).put(key, bytes)
    keys.push(key)
  }
  return keys
}

/**
 * Restores a backup as a state folder, which appears completely or not at all.
 *
 * @param folder absent or empty
 * @throws Error that names the file that is missing or damaged
 */
export async function restoreState(backup: string, folder: string): Promise<Manifest> {
  const manifest = readManifest(backup)
  refuseUnlessEmpty(folder)
  const unfinished = `${folder.replace(/\/+$/, '')}.restoring`
  await rm(unfinished, { recursive: true, force: true })
  for (const [path, expected] of Object.entries(manifest.files)) {
    const from = join(backup, ...path.split('/'))
    const to = join(unfinished, ...path.split('/'))
    if (!existsSync(from))
      throw new Error(`the backup in ${backup} is not whole: ${path} is missing. Take another backup`)
    await mkdir(dirname(to), { recursive: true })
    await copyFile(from, to)
    const found = await fingerprint(to)
    if (found.bytes !== expected.bytes || found.sha256 !== expected.sha256) {
      await rm(unfinished, { recursive: true, force: true })
      throw new Error(`the backup in ${backup} is damaged: ${path} is not as it was written. Take another backup`)
    }
  }
  readSettings(unfinished)
  await rm(folder, { recursive: true, force: true })
  await rename(unfinished, folder)
  return manifest
}

function readManifest(backup: string): Manifest {
  const file = join(backup, MANIFEST_FILE)
  if (!existsSync(file)) {
    throw new Error(`${backup} is not a complete backup: it has no ${MANIFEST_FILE}, which npm run backup writes last`)
  }
  const { data, error } = Manifest.safeParse(parseJson(readFileSync(file, 'utf8')))
  if (data) return data
  throw new Error(`${file} cannot be used (${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message})`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuseUnlessEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Error(`${folder} is not empty: name a folder that is not there yet`)
  }
}

async function fingerprint(file: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return { bytes: (await stat(file)).size, sha256: hash.digest('hex') }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
