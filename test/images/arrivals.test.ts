import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeScene } from '../../data/scene.ts'
import { openFolderObjectStore } from '../../functions/adapters/files/object-store.ts'
import { openSqliteEventLog } from '../../functions/adapters/sqlite/event-log.ts'
import { START } from '../../functions/core/lane.ts'
import { arrivalsOf } from '../../functions/images/arrivals/message.ts'
import { openBucketFile } from '../../functions/images/scene/bucket-source.ts'
import { readSites } from '../../functions/images/sites/read-sites.ts'
import { storeSites } from '../../functions/images/sites/stored-sites.ts'
import type { ObjectRanges } from '../../functions/ports/object-ranges.ts'
import { type ImageSettings, parseImageSettings } from '../../functions/runtime/config/images.ts'
import { imagesHandlerOf } from '../../functions/runtime/images.ts'
import { collectingLogger } from '../support/factories.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SLOT_MS = 60_000
const SETTINGS: ImageSettings = { hosts: [], buckets: ['incoming'], minValid: 0, texture: false }

const ofObjects = (...keys: string[]) =>
  JSON.stringify({
    Records: keys.map(key => ({
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: 'incoming' }, object: { key } },
    })),
  })
const inEnvelope = (message: string) => JSON.stringify({ Type: 'Notification', MessageId: 'a', Message: message })

describe('a message announces', () => {
  it('the items among new objects of a bucket, also through a topic', () => {
    const body = ofObjects('scenes/B04.tif', 'scenes/my+item%2B1.json')
    const wanted = [{ address: 's3://incoming/scenes/my%20item%2B1.json' }]
    expect(arrivalsOf(body)).toEqual(wanted)
    expect(arrivalsOf(inEnvelope(body))).toEqual(wanted)
  })

  it('the item that it holds, with its address', () => {
    const item = { type: 'Feature', id: 'x', links: [{ rel: 'self', href: 'https://example.org/x.json' }] }
    const wanted = [{ address: 'https://example.org/x.json', text: JSON.stringify(item) }]
    expect(arrivalsOf(JSON.stringify(item))).toEqual(wanted)
    expect(arrivalsOf(inEnvelope(JSON.stringify(item)))).toEqual(wanted)
  })

  it('nothing when it is a test, or of deleted objects', () => {
    expect(arrivalsOf('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"incoming"}')).toEqual([])
    const removed = ofObjects('scenes/item.json').replace('ObjectCreated:Put', 'ObjectRemoved:Delete')
    expect(arrivalsOf(removed)).toEqual([])
  })

  it.each([
    ['not JSON', 'hello', /not JSON/],
    ['of another kind', '{"id":1}', /announces no scene/],
    ['with an item without an address', '{"type":"Feature","id":"x"}', /item x has no link 'self'/],
    ['with a record without a key', '{"Records":[{}]}', /without a bucket and a key/],
    ['null', 'null', /announces no scene/],
  ])('no scene, and is refused, when it is %s', (_, body, message) => {
    expect(() => arrivalsOf(body)).toThrow(message)
  })
})

/** Reads parts of files: each bucket is a folder. */
function rangesOf(folders: Record<string, string>): ObjectRanges {
  return {
    async read({ bucket, key }, offset, length, etag) {
      const path = join(folders[bucket] as string, key)
      if (!existsSync(path)) return 'missing'
      const bytes = readFileSync(path)
      const tag = String(bytes.length)
      if (etag !== undefined && etag !== tag) return 'changed'
      return { bytes: bytes.subarray(offset, offset + length), sizeBytes: bytes.length, etag: tag }
    },
  }
}

describe('the queue of scenes', () => {
  async function openSystem({ hasSites = true, settings = SETTINGS } = {}) {
    const scene = temporaryFolder()
    await writeScene(scene, 1)
    const objects = openFolderObjectStore(temporaryFolder())
    const log = openSqliteEventLog({ file: ':memory:' })
    onTestFinished(() => log.close())
    if (hasSites) {
      const { sites } = await readSites(join(scene, 'fields.geojson'), { siteId: 'site_id', className: 'class_name' })
      await storeSites(objects, sites, { source: 'fields.geojson', importedAt: '2026-01-01T00:00:00Z' })
    }
    const logger = collectingLogger()
    const ranges = rangesOf({ incoming: scene, secret: scene })
    const handler = imagesHandlerOf({ log, objects, ranges, logger }, settings, SLOT_MS)
    return {
      scene,
      logger,
      deliver: async (...bodies: string[]) => {
        const Records = bodies.map((body, index) => ({ messageId: `m${index}`, body }))
        const { batchItemFailures } = await handler({ Records } as Parameters<typeof handler>[0])
        return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)
      },
      /** Number of records on the log. The events of the scene are one. */
      async records() {
        const lanes = await log.lanes()
        return (await Promise.all(lanes.map(({ name }) => log.read(name, START, 1_000)))).flat().length
      },
    }
  }

  it('makes events of a scene that is put into the bucket, once however often it is delivered', async () => {
    const system = await openSystem()
    expect(await system.deliver(ofObjects('B04.tif'), ofObjects('item.json'))).toEqual([])
    expect(await system.records()).toBe(1)
    expect(await system.deliver(inEnvelope(ofObjects('item.json')))).toEqual([])
    expect(await system.records()).toBe(1)
    const told = system.logger.lines.filter(line => JSON.stringify(line).includes('scene observed'))
    expect(told.map(line => JSON.stringify(line))).toEqual([
      expect.stringMatching(/"published":11.*"known":0/),
      expect.stringMatching(/"published":0.*"known":11/),
    ])
  })

  it('gives back the message of a scene that is refused, and none of the others', async () => {
    const system = await openSystem()
    expect(await system.deliver('hello', ofObjects('item.json'), ofObjects('missing.json'))).toEqual(['m0', 'm2'])
    expect(await system.records()).toBe(1)
  })

  it('reads no bucket and no host that the stage does not allow, whatever an item names', async () => {
    const system = await openSystem()
    const item = JSON.parse(readFileSync(join(system.scene, 'item.json'), 'utf8'))
    const linked = (href: string) => ({ ...item, links: [{ rel: 'self', href }] })
    const elsewhere = (href: string) => ({
      ...linked('s3://incoming/item.json'),
      assets: Object.fromEntries(
        Object.entries(item.assets).map(([key, asset]) => [key, { ...(asset as object), href }]),
      ),
    })
    const messages = [
      linked('s3://secret/item.json'),
      elsewhere('s3://secret/B04.tif'),
      elsewhere('https://169.254.169.254/latest/meta-data'),
      elsewhere('file:///etc/passwd'),
    ]
    const failed = await system.deliver(...messages.map(message => JSON.stringify(message)))
    expect(failed).toEqual(['m0', 'm1', 'm2', 'm3'])
    expect(await system.records()).toBe(0)
    const reasons = system.logger.lines.map(line => JSON.stringify(line))
    expect(reasons.filter(line => /bucket secret is not allowed/.test(line))).toHaveLength(2)
    expect(reasons.some(line => /host 169\.254\.169\.254 is not allowed/.test(line))).toBe(true)
    expect(reasons.some(line => /not an address of the web/.test(line))).toBe(true)
  })

  it('keeps messages while no sites are stored', async () => {
    const system = await openSystem({ hasSites: false })
    expect(await system.deliver(ofObjects('item.json'))).toEqual(['m0'])
    expect(JSON.stringify(system.logger.lines)).toMatch(/no sites are stored yet: npm run sites/)
  })

  it('refuses an item that is too large', async () => {
    const system = await openSystem()
    writeFileSync(join(system.scene, 'large.json'), Buffer.alloc(4 * 1024 * 1024 + 1, ' '))
    expect(await system.deliver(ofObjects('large.json'))).toEqual(['m0'])
    expect(JSON.stringify(system.logger.lines)).toMatch(/more than an item/)
  })
})

describe('an object that is read by parts', () => {
  const access = (ranges: ObjectRanges) => ({ buckets: new Set(['incoming']), ranges })

  it('is refused when it changes in between', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'large file.tif')
    writeFileSync(path, Buffer.alloc(40_000, 1))
    const source = await openBucketFile('s3://incoming/large%20file.tif', access(rangesOf({ incoming: folder })))
    expect([source.sizeBytes, (await source.read(39_990, 10)).length]).toEqual([40_000, 10])
    await expect(source.read(39_990, 11)).rejects.toThrow(/ends after 40000 bytes/)
    writeFileSync(path, Buffer.alloc(40_001, 1))
    await expect(source.read(39_990, 10)).rejects.toThrow(/changed while it was read/)
  })

  it.each([
    ['s3://incoming/none.tif', /none\.tif: is not there/],
    ['s3://incoming/', /not the address of an object/],
  ])('is refused when it is not one: %s', async (address, message) => {
    await expect(openBucketFile(address, access(rangesOf({ incoming: temporaryFolder() })))).rejects.toThrow(message)
  })
})

describe('the settings of images', () => {
  it('are refused when one is missing', () => {
    expect(parseImageSettings(JSON.stringify(SETTINGS))).toEqual(SETTINGS)
    expect(() => parseImageSettings('{"hosts":[],"buckets":"a","minValid":0,"texture":false}')).toThrow(
      /hosts, buckets/,
    )
  })
})
