import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import type { Site } from '../../functions/images/sites/site.ts'
import {
  listSitesVersions,
  MAX_STORED_BYTES,
  readStoredSites,
  type SitesVersion,
  sitesReader,
  sitesToGeoJson,
  storeSites,
} from '../../functions/images/sites/stored-sites.ts'
import { siteAt } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const FROM = { source: 'fields.geojson', importedAt: '2026-11-22T12:00:00.000Z' }
const objectsIn = (folder = temporaryFolder()) => openFolderObjectStore(join(folder, 'objects'))

describe('stored sites', () => {
  it('are read as they were stored, in order of their ids, with holes and several polygons', async () => {
    const objects = objectsIn()
    const hole = siteAt('b', 13, 52).polygons[0]?.[0] ?? []
    const many: Site = {
      id: 'a',
      className: 'Pasture',
      polygons: [[...(siteAt('a', 13, 52, { side: 1 }).polygons[0] ?? []), hole], ...siteAt('a', 20, 52).polygons],
    }
    const sites = [siteAt('b', 13.1234567890123, -52), many]
    expect(await sitesReader(objects)()).toBeUndefined()
    const { version, isNew } = await storeSites(objects, sites, FROM)
    expect(isNew).toBe(true)
    expect(version).toMatchObject({ version: 1, sites: 2, ...FROM })
    expect(await readStoredSites(objects, version)).toEqual({ version, sites: [many, sites[0]] })
    expect(await sitesReader(objects)()).toEqual({ version, sites: [many, sites[0]] })
  })

  it('are a new version after each import that differs; earlier versions stay as they were', async () => {
    const objects = objectsIn()
    const read = sitesReader(objects)
    const [a, b] = [siteAt('a', 13, 52), siteAt('b', 14, 52)]
    const first = await storeSites(objects, [a, b], FROM)
    expect((await read())?.sites).toEqual([a, b])
    // The order of a file makes no other version.
    expect(await storeSites(objects, [b, a], FROM)).toEqual({ version: first.version, isNew: false })
    const second = await storeSites(objects, [b], FROM)
    expect(second).toMatchObject({ isNew: true, version: { version: 2, sites: 1 } })
    expect((await read())?.sites).toEqual([b])
    expect(await listSitesVersions(objects)).toEqual([first.version, second.version])
    expect((await readStoredSites(objects, first.version)).sites).toEqual([a, b])
    // Sites of an earlier version are the newest again.
    expect((await storeSites(objects, [a, b], FROM)).version.version).toBe(3)
  })

  it('get a number each when several imports run at once', async () => {
    const folder = temporaryFolder()
    const ids = ['a', 'b', 'c', 'd']
    const stored = await Promise.all(ids.map(id => storeSites(objectsIn(folder), [siteAt(id, 13, 52)], FROM)))
    expect(stored.map(({ version }) => version.version).sort()).toEqual([1, 2, 3, 4])
    const versions = await listSitesVersions(objectsIn(folder))
    const found = await Promise.all(versions.map(version => readStoredSites(objectsIn(folder), version)))
    expect(found.flatMap(({ sites }) => sites.map(({ id }) => id)).sort()).toEqual(ids)
  })

  it('are refused when they are damaged, missing, or of a format to come, by name', async () => {
    const objects = objectsIn()
    const { version } = await storeSites(objects, [siteAt('a', 13, 52)], FROM)
    await objects.put(version.key, Buffer.from(sitesToGeoJson([siteAt('a', 14, 52)])))
    await expect(readStoredSites(objects, version)).rejects.toThrow(`${version.key} does not match its checksum`)
    await objects.delete(version.key)
    await expect(readStoredSites(objects, version)).rejects.toThrow(`${version.key} is missing`)
    const whole = (await objects.get('sites/versions/000000000001.json')) as Uint8Array
    for (const damaged of ['', '{"format":1,', 'null', '{"a":1}']) {
      await objects.put('sites/versions/000000000001.json', Buffer.from(damaged))
      await expect(listSitesVersions(objects)).rejects.toThrow(
        'the object sites/versions/000000000001.json is damaged: restore it from a backup',
      )
    }
    await objects.put('sites/versions/000000000001.json', whole)
    const toCome = { format: 2, ...version } as SitesVersion
    await objects.put('sites/versions/000000000002.json', Buffer.from(JSON.stringify(toCome)))
    await expect(listSitesVersions(objects)).rejects.toThrow('sites/versions/000000000002.json has format 2: run')
  })

  it('that are too many to keep in memory are refused before anything is stored', async () => {
    const objects = objectsIn()
    const ring = Array.from({ length: 400_000 }, (_, at): [number, number] => [13 + at * 1e-13, 52.12345678901234])
    const sites = [0, 1, 2].map(n => ({ id: `${n}`, className: 'Forest', polygons: [[ring]] }))
    await expect(storeSites(objects, sites, FROM)).rejects.toThrow(`and ${MAX_STORED_BYTES} at most can be stored`)
    expect(await listSitesVersions(objects)).toEqual([])
  })
})
