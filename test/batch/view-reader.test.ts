import { beforeEach, describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { encodeClasses } from '../../functions/batch/history-files.ts'
import { DamagedObjectError, encodeView, publishView, sha256, type View } from '../../functions/batch/view.ts'
import { refuseUnsupportedView, viewReader } from '../../functions/batch/view-reader.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { emptyView, imageEvent, NOON_MS } from '../support/factories.ts'
import { historyOf } from '../support/histories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe('the reader of views', () => {
  let objects: ObjectStore
  let view: View
  /** Keys that were read. */
  let read: string[]
  /** Keys that cannot be read. */
  let away: Set<string>
  beforeEach(async () => {
    const stored = openFolderObjectStore(temporaryFolder())
    read = []
    away = new Set()
    objects = {
      ...stored,
      get: async key => {
        read.push(key)
        if (away.has(key)) throw new Error('the store is away')
        return stored.get(key)
      },
    }
    view = emptyView({ classesKey: 'classes.parquet' })
    await objects.put(view.classesKey, encodeClasses(new Map([['Forest', historyOf([imageEvent()])]])))
    await publishView(objects, view)
  })

  it('reads a view and its classes once, however often it is asked', async () => {
    const views = viewReader(objects)
    for (let asked = 0; asked < 3; asked++) {
      expect((await views.current())?.revision).toBe(1)
      expect([...(await views.classes(view)).keys()]).toEqual(['Forest'])
      expect(await views.chain()).toMatchObject({ revision: 1, view: { revision: 1 }, damages: [] })
    }
    expect(read).toEqual(['views/000000000001.json', 'classes.parquet'])
  })

  it('reads an older view once, however often it is asked', async () => {
    await publishView(objects, { ...view, revision: 2, publishedAt: '2999-01-01T00:00:00.000Z' })
    const views = viewReader(objects)
    for (let asked = 0; asked < 3; asked++) expect((await views.asOf(Date.now()))?.revision).toBe(1)
    expect(read).toEqual(['views/000000000002.json', 'views/000000000001.json'])
  })

  it('reports that the store cannot be read, does not treat this as damage, and reads again for the next request', async () => {
    const views = viewReader(objects)
    away.add(view.classesKey)
    await expect(views.chain()).rejects.toThrow('the store is away')
    await expect(views.classes(view)).rejects.toThrow('the store is away')
    away.clear()
    expect([...(await views.classes(view)).keys()]).toEqual(['Forest'])
    expect((await views.chain()).damages).toEqual([])
  })

  it('says that an older view cannot be read, instead of taking the one before it', async () => {
    const later = { revision: 2, publishedAt: '2998-01-01T00:00:00.000Z' }
    await publishView(objects, { ...view, ...later })
    await publishView(objects, { ...view, revision: 3, publishedAt: '2999-01-01T00:00:00.000Z' })
    const views = viewReader(objects)
    const asOf = () => views.asOf(Date.parse(later.publishedAt))
    away.add('views/000000000002.json')
    await expect(asOf()).rejects.toThrow('the store is away')
    away.clear()
    expect((await asOf())?.revision).toBe(2)
  })

  it('forgets a failed read, but not another view that was read after it', async () => {
    const views = viewReader(objects)
    const other = emptyView({ classesKey: 'other.parquet' })
    away.add('other.parquet')
    const [failed, whole] = await Promise.allSettled([views.classes(other), views.classes(view)])
    expect([failed.status, whole.status]).toEqual(['rejected', 'fulfilled'])
    read = []
    await views.classes(view)
    expect(read).toEqual([])
  })

  it('passes on the damage of a file that does not belong to a view', async () => {
    const damage = new DamagedObjectError('elsewhere', 'is missing')
    const empty = openFolderObjectStore(temporaryFolder())
    for (const store of [objects, empty]) {
      await expect(viewReader(store).read(() => Promise.reject(damage))).rejects.toBe(damage)
    }
  })

  it('reports that the store cannot be read, and does not use an older view instead', async () => {
    await publishView(objects, emptyView({ revision: 2, classesKey: 'lost.parquet' }))
    const views = viewReader(objects)
    const names = () => views.read(async of => (of ? [...(await views.classes(of)).keys()] : []))
    away.add('views/000000000001.json')
    await expect(names()).rejects.toThrow('the store is away')
    away.clear()
    expect(await names()).toEqual(['Forest'])
  })

  it('refuses a view of a newer format, but does not fail for a damaged or a missing view', async () => {
    const refusal = () => refuseUnsupportedView(viewReader(objects))
    await expect(refusal()).resolves.toBeUndefined()
    await objects.put('views/000000000002.json', Buffer.from('not JSON'))
    await expect(refusal()).resolves.toBeUndefined()
    const { checksum: _, ...stated } = JSON.parse(Buffer.from(encodeView(view)).toString())
    const later = { ...stated, revision: 3, format: 99 }
    const whole = { ...later, checksum: sha256(JSON.stringify(later)) }
    await objects.put('views/000000000003.json', Buffer.from(JSON.stringify(whole)))
    await expect(refusal()).rejects.toThrow('has format 99')
  })

  it('finds nothing before the first view', async () => {
    const views = viewReader(openFolderObjectStore(temporaryFolder()))
    expect(await views.current()).toBeUndefined()
    expect(await views.chain()).toEqual({ view: undefined, revision: 0, damages: [] })
    expect(await views.asOf(NOON_MS)).toBeUndefined()
  })
})
