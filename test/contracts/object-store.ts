import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ObjectStore } from '../../functions/ports/object-store.ts'

/** Opens an empty object store. */
export type OpenObjectStore = () => Promise<{
  store: ObjectStore
  /** Opens the same objects as another process would. */
  reopen(): Promise<ObjectStore>
  close(): Promise<void>
}>

const RIVALS = 12

/** Contract tests for all adapters of the port ObjectStore. */
export function describeObjectStore(name: string, open: OpenObjectStore): void {
  describe(`the object store: ${name}`, () => {
    let opened: Awaited<ReturnType<OpenObjectStore>>
    let store: ObjectStore
    beforeEach(async () => {
      opened = await open()
      store = opened.store
    })
    afterEach(async () => {
      await opened.close()
    })

    test('has no object under an unused key', async () => {
      expect(await store.get('views/1.json')).toBeUndefined()
      expect(await listed(store, '')).toEqual([])
    })

    test('returns the exact bytes of objects, from 0 bytes to several megabytes', async () => {
      const contents = [
        Buffer.alloc(0),
        Buffer.from([0, 0xff, 0x0a, 0x0d]),
        // A view into a larger buffer: only the bytes of the view are the object.
        randomBytes(64).subarray(16, 32),
        new Uint8Array(randomBytes(64)).subarray(5, 9),
        randomBytes(6 * 1024 * 1024),
      ]
      for (const [index, bytes] of contents.entries()) await store.put(`bytes/${index}`, bytes)
      for (const [index, bytes] of contents.entries()) {
        const got = (await store.get(`bytes/${index}`)) as Uint8Array
        expect(Buffer.from(got).equals(bytes)).toBe(true)
      }
    })

    test('replaces the object under a key', async () => {
      await store.put('a/b', Buffer.from('a long first text'))
      await store.put('a/b', Buffer.from('second'))
      expect(await text(store, 'a/b')).toBe('second')
      expect(await listed(store, '')).toEqual(['a/b'])
    })

    test('does not replace an object with putIfAbsent, and reports it', async () => {
      expect(await store.putIfAbsent('views/1.json', Buffer.from('mine'))).toBe(true)
      expect(await store.putIfAbsent('views/1.json', Buffer.from('yours'))).toBe(false)
      expect(await text(store, 'views/1.json')).toBe('mine')
      await store.put('views/2.json', Buffer.from('mine'))
      expect(await store.putIfAbsent('views/2.json', Buffer.from('yours'))).toBe(false)
      expect(await listed(store, '')).toEqual(['views/1.json', 'views/2.json'])
    })

    test('lets exactly one of many concurrent writers succeed', async () => {
      const rival = await opened.reopen()
      for (let round = 0; round < 5; round++) {
        const key = `race/${round}`
        const claims = Array.from({ length: RIVALS }, (_, index) =>
          (index % 2 === 0 ? store : rival).putIfAbsent(key, Buffer.from(`rival ${index}`)),
        )
        const won = await Promise.all(claims)
        expect(won.filter(Boolean)).toHaveLength(1)
        expect(await text(store, key)).toBe(`rival ${won.indexOf(true)}`)
      }
      expect(await listed(store, 'race/')).toHaveLength(5)
    })

    test('allows putIfAbsent again after the object was deleted', async () => {
      await store.putIfAbsent('lease', Buffer.from('first'))
      await store.delete('lease')
      expect(await store.get('lease')).toBeUndefined()
      expect(await store.putIfAbsent('lease', Buffer.from('second'))).toBe(true)
      expect(await text(store, 'lease')).toBe('second')
    })

    test('accepts the deletion of a missing object', async () => {
      await store.delete('nothing/here')
      await store.put('a/b', Buffer.from('x'))
      await store.delete('a/b')
      await store.delete('a/b')
      expect(await listed(store, '')).toEqual([])
    })

    test('shows only complete objects while an object is being replaced', async () => {
      const versions = [1, 2].map(version => Buffer.alloc(1024 * 1024, version))
      await store.put('big', versions[0] as Buffer)
      let writing = true
      const writer = (async () => {
        for (let round = 0; round < 8; round++) await store.put('big', versions[round % 2] as Buffer)
        writing = false
      })()
      const rival = await opened.reopen()
      while (writing) {
        const got = (await rival.get('big')) as Uint8Array
        expect(versions.some(version => version.equals(got))).toBe(true)
        expect(await listed(rival, '')).toEqual(['big'])
      }
      await writer
    })

    test('still has all acknowledged objects after it is opened again', async () => {
      await store.put('a/b', Buffer.from('kept'))
      const again = await opened.reopen()
      expect(await text(again, 'a/b')).toBe('kept')
      expect(await listed(again, 'a/')).toEqual(['a/b'])
    })

    test('lists keys with a prefix, which may end within a name', async () => {
      const keys = [
        'archive/arrival_slot=2026-11-22T14-00/x.parquet',
        'archive/arrival_slot=2026-11-22T15-00/x.parquet',
        'views/1',
        'views/12',
        'viewsets/1',
      ]
      for (const key of keys) await store.put(key, Buffer.from('x'))
      expect(await listed(store, '')).toEqual(keys)
      expect(await listed(store, 'views/')).toEqual(['views/1', 'views/12'])
      expect(await listed(store, 'views')).toEqual(['views/1', 'views/12', 'viewsets/1'])
      expect(await listed(store, 'views/1')).toEqual(['views/1', 'views/12'])
      expect(await listed(store, 'archive/arrival_slot=2026-11-22T15')).toEqual([keys[1]])
      expect(await listed(store, 'nothing/')).toEqual([])
    })

    test('lists keys after any text, which may be a key or not', async () => {
      const keys = ['views/000000000001.json', 'views/000000000002.json', 'views/000000000010.json']
      for (const key of keys) await store.put(key, Buffer.from('x'))
      expect(await listed(store, 'views/', keys[0])).toEqual(keys.slice(1))
      expect(await listed(store, 'views/', 'views/000000000005')).toEqual(keys.slice(2))
      expect(await listed(store, 'views/', keys[2])).toEqual([])
      expect(await listed(store, 'views/', 'a')).toEqual(keys)
      expect(await listed(store, 'views/', 'z')).toEqual([])
    })

    test('lists more keys than fit into one page, in order', async () => {
      const keys = Array.from({ length: 1_100 }, (_, index) => `many/${String(index).padStart(5, '0')}`)
      for (let start = 0; start < keys.length; start += 100) {
        await Promise.all(keys.slice(start, start + 100).map(key => store.put(key, Buffer.from('x'))))
      }
      expect(await listed(store, 'many/')).toEqual(keys)
      expect(await listed(store, 'many/', keys[1_049])).toEqual(keys.slice(1_050))
    })

    test('lists in the order of plain text, for any keys, prefix and start', async () => {
      const segment = fc.stringMatching(/^[ab=.-]?[ab0]$/)
      // With this suffix, no key is the folder of another key.
      const key = fc.array(segment, { minLength: 1, maxLength: 3 }).map(parts => `${parts.join('/')}.x`)
      const keys = await fc.sample(key, { numRuns: 120, seed: 7 })
      for (const each of keys) await store.put(each, Buffer.from('x'))
      const sorted = [...new Set(keys)].sort()
      const within = fc
        .oneof(key, segment, fc.constantFrom('', 'a/', '-', '~'))
        .chain(from => fc.nat(from.length).map(length => from.slice(0, length)))
      const property = fc.asyncProperty(within, within, async (prefix, after) => {
        const expected = sorted.filter(each => each.startsWith(prefix) && each > after)
        expect(await listed(store, prefix, after)).toEqual(expected)
      })
      await fc.assert(property, { numRuns: 60 })
    })
  })
}

async function listed(store: ObjectStore, prefix: string, after?: string): Promise<string[]> {
  return Array.fromAsync(store.list(prefix, after))
}

async function text(store: ObjectStore, key: string): Promise<string | undefined> {
  const bytes = await store.get(key)
  return bytes && Buffer.from(bytes).toString()
}
