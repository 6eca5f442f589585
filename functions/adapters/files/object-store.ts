import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ObjectStore } from '../../ports/object-store.ts'

/** Name form of unfinished objects. Programs that read Parquet ignore names that begin with a dot. */
const UNFINISHED = /^\..*\.unfinished$/

/** Object store in a folder of files. An object appears whole, and is on the disk once its write is acknowledged. */
export function openFolderObjectStore(folder: string): ObjectStore {
  const pathOf = (key: string) => {
    if (key.split('/').some(part => part === '' || part === '.' || part === '..')) {
      throw new Error(`'${key}' is not an object key`)
    }
    return join(folder, ...key.split('/'))
  }

  async function writeUnfinished(path: string, bytes: Uint8Array): Promise<string> {
    await mkdir(dirname(path), { recursive: true })
    const unfinished = join(dirname(path), `.${basename(path)}.${randomUUID()}.unfinished`)
    const file = await open(unfinished, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } catch (error) {
      // On a full disk, each further attempt would leave one more file.
      await rm(unfinished, { force: true })
      throw error
    } finally {
      await file.close()
    }
    return unfinished
  }

  return {
    async get(key) {
      try {
        return await readFile(pathOf(key))
      } catch (error) {
        if (isErrno(error, 'ENOENT')) return undefined
        throw error
      }
    },
    async put(key, bytes) {
      const path = pathOf(key)
      await rename(await writeUnfinished(path, bytes), path)
      await syncFolder(dirname(path))
    },
    async putIfAbsent(key, bytes) {
      const path = pathOf(key)
      const unfinished = await writeUnfinished(path, bytes)
      try {
        await link(unfinished, path)
        await syncFolder(dirname(path))
        return true
      } catch (error) {
        if (isErrno(error, 'EEXIST')) return false
        throw error
      } finally {
        await rm(unfinished)
      }
    },
    async *list(prefix, after = '') {
      yield* keysBelow(folder, '', prefix, after)
    },
    async delete(key) {
      await rm(pathOf(key), { force: true })
    },
  }
}

/** Lists files. It enters only folders that can contain keys with the prefix after `after`. */
async function* keysBelow(folder: string, path: string, prefix: string, after: string): AsyncIterable<string> {
  let entries: { name: string; isFolder: boolean }[]
  try {
    entries = (await readdir(join(folder, path), { withFileTypes: true })).map(entry => ({
      name: entry.isDirectory() ? `${entry.name}/` : entry.name,
      isFolder: entry.isDirectory(),
    }))
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return
    throw error
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name, isFolder } of entries) {
    const key = path + name
    if (isFolder) {
      const canMatch = key.startsWith(prefix) || prefix.startsWith(key)
      if (canMatch && (key > after || after.startsWith(key))) yield* keysBelow(folder, key, prefix, after)
    } else if (key.startsWith(prefix) && key > after && !UNFINISHED.test(name)) {
      yield key
    }
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code
}
