import { beforeEach, describe, expect, it } from 'vitest'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import type { Lane } from '../../functions/core/lane.ts'
import { KEY_ROUTE_PREFIX, keyRoute } from '../../functions/ingest/key-route.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** A log that chooses the last of the lanes that it may choose from, as Kafka may. */
function growingLog(identity = 'topic.1') {
  const names = { count: 3 }
  const lanes = async (): Promise<Lane[]> =>
    Array.from({ length: names.count }, (_, index) => ({ name: `${identity}.${index}`, parents: [], closed: false }))
  const destinationOf = (_key: string, among = names.count) => ({ lane: `${identity}.${among - 1}` })
  return Object.assign(names, { identity, lanes, destinationOf })
}

describe('the route of a key', () => {
  let objects: ObjectStore
  beforeEach(() => {
    objects = openFolderObjectStore(temporaryFolder())
  })

  it('is the same in every process and at all times, for any number of added lanes', async () => {
    const log = growingLog()
    const routeOf = keyRoute(log, objects)
    expect(await routeOf('k')).toEqual({ lane: 'topic.1.2' })
    log.count = 4
    expect(await routeOf('k')).toEqual({ lane: 'topic.1.2' })
    expect(await keyRoute(log, objects)('k')).toEqual({ lane: 'topic.1.2' })
    expect(log.destinationOf('k')).toEqual({ lane: 'topic.1.3' })
  })

  it('is the one that was stored first, when two processes store it at once', async () => {
    const log = growingLog()
    const slow: Pick<ObjectStore, 'get' | 'putIfAbsent'> = {
      get: name => objects.get(name),
      async putIfAbsent(name, bytes) {
        log.count = 5
        await keyRoute(log, objects)('another key')
        return objects.putIfAbsent(name, bytes)
      },
    }
    expect(await keyRoute(log, slow)('k')).toEqual({ lane: 'topic.1.4' })
  })

  it('belongs to one log: a log that was created again stores its own', async () => {
    await keyRoute(growingLog(), objects)('k')
    const again = growingLog('topic.2')
    again.count = 7
    expect(await keyRoute(again, objects)('k')).toEqual({ lane: 'topic.2.6' })
  })

  it('is the key itself when the log finds the lane, and nothing is stored', async () => {
    const log = { ...growingLog(), destinationOf: (key: string) => ({ key }) }
    expect(await keyRoute(log, objects)('k')).toEqual({ key: 'k' })
    expect(await Array.fromAsync(objects.list(KEY_ROUTE_PREFIX))).toEqual([])
  })

  it('is requested again after it could not be stored', async () => {
    const log = growingLog()
    let isDown = true
    const lanes = async () => (isDown ? Promise.reject(new Error('no broker')) : log.lanes())
    const routeOf = keyRoute({ ...log, lanes }, objects)
    await expect(routeOf('k')).rejects.toThrow('no broker')
    isDown = false
    expect(await routeOf('k')).toEqual({ lane: 'topic.1.2' })
  })
})
