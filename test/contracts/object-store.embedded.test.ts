import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeObjectStore } from './object-store.ts'

describeObjectStore('folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'landcover-object-store-'))
  return {
    store: openFolderObjectStore(folder),
    reopen: async () => openFolderObjectStore(folder),
    close: () => rm(folder, { recursive: true }),
  }
})

test.each(['', '/', 'a/', '/a', 'a//b', '.', '..', 'a/../b', '../outside', 'a/..'])(
  'a key never leads out of the folder: %j',
  async key => {
    const store = openFolderObjectStore(temporaryFolder())
    const refusal = `'${key}' is not an object key`
    await expect(store.get(key)).rejects.toThrow(refusal)
    await expect(store.put(key, Buffer.from('x'))).rejects.toThrow(refusal)
    await expect(store.putIfAbsent(key, Buffer.from('x'))).rejects.toThrow(refusal)
    await expect(store.delete(key)).rejects.toThrow(refusal)
  },
)

test('a file that a killed writer left is not an object, and blocks no other writer', async () => {
  const folder = temporaryFolder()
  const store = openFolderObjectStore(folder)
  await writeFile(join(folder, '.view.json.1234.unfinished'), 'half of')
  expect(await Array.fromAsync(store.list(''))).toEqual([])
  expect(await store.putIfAbsent('view.json', Buffer.from('whole'))).toBe(true)
  expect(await Array.fromAsync(store.list(''))).toEqual(['view.json'])
})

test('writers leave only their objects behind', async () => {
  const folder = temporaryFolder()
  const store = openFolderObjectStore(folder)
  await store.put('a', Buffer.from('x'))
  await store.put('a', Buffer.from('y'))
  await store.putIfAbsent('a', Buffer.from('z'))
  await store.putIfAbsent('b', Buffer.from('z'))
  expect((await readdir(folder)).sort()).toEqual(['a', 'b'])
})
