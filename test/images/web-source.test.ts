import { writeFileSync } from 'node:fs'
import type { LookupFunction } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openWebFile, readWebItem } from '../../functions/images/scene/web-source.ts'
import { serveFolder } from '../support/file-server.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const HERE = { hosts: new Set(['127.0.0.1']) }
const SIZE = 100_000

/** Folder with one file, whose byte at each place is known. */
function folderWithFile(): string {
  const folder = temporaryFolder()
  writeFileSync(
    join(folder, 'B04.tif'),
    Uint8Array.from({ length: SIZE }, (_, at) => at % 251),
  )
  return folder
}

describe('a file of the web', () => {
  it('is read by ranges: its beginning once, then only what is asked for', async () => {
    const server = await serveFolder(folderWithFile())
    const source = await openWebFile(`${server.url}B04.tif`, HERE)
    expect(source.sizeBytes).toBe(SIZE)
    expect([...(await source.read(0, 4))]).toEqual([0, 1, 2, 3])
    expect([...(await source.read(60_000, 3))]).toEqual([60_000 % 251, 60_001 % 251, 60_002 % 251])
    expect(server.requests.map(({ range }) => range)).toEqual(['bytes=0-16383', 'bytes=60000-60002'])
  })

  it('may be smaller than the first read', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'small.tif'), 'abc')
    const { url } = await serveFolder(folder)
    const source = await openWebFile(`${url}small.tif`, HERE)
    expect(Buffer.from(await source.read(1, 2)).toString()).toBe('bc')
    await expect(source.read(1, 3)).rejects.toThrow(/ends after 3 bytes/)
  })

  it('is asked for again when the server is busy or breaks off', async () => {
    let asked = 0
    const { url } = await serveFolder(folderWithFile(), (_, response) => {
      asked++
      if (asked === 1) response.writeHead(503).end()
      else if (asked === 2) response.destroy()
      return asked <= 2
    })
    expect((await openWebFile(`${url}B04.tif`, HERE)).sizeBytes).toBe(SIZE)
  })

  it('is refused when it changes while it is read', async () => {
    const { url } = await serveFolder(folderWithFile(), (request, response) => {
      const isChanged = request.headers['if-match'] === '"first"'
      if (isChanged) response.writeHead(412).end()
      return isChanged
    })
    const source = await openWebFile(`${url}B04.tif`, HERE)
    await expect(source.read(50_000, 10)).rejects.toThrow(/changed while it was read/)
  })

  it.each<[string, number, Record<string, string>, RegExp]>([
    ['that is not there', 404, {}, /the server answered 404/],
    ['behind a redirect', 302, { Location: 'http://127.0.0.1:9/' }, /the server answered 302/],
    ['whose server sends all of it', 200, {}, /does not send parts of files/],
    ['whose server sends another part', 206, { 'Content-Range': 'bytes 5-6/100' }, /sent another part/],
    ['without a size', 206, { 'Content-Range': 'bytes 0-1/*' }, /sent another part/],
  ])('%s is refused', async (_, status, headers, message) => {
    const { url } = await serveFolder(temporaryFolder(), (__, response) => {
      response.writeHead(status, headers).end('xx')
      return true
    })
    await expect(openWebFile(`${url}B04.tif`, HERE)).rejects.toThrow(message)
  })

  it('is refused when the server sends more than was asked for', async () => {
    const { url } = await serveFolder(temporaryFolder(), (_, response) => {
      response.writeHead(206, { 'Content-Range': 'bytes 0-99999/100000' }).end(Buffer.alloc(100_000))
      return true
    })
    await expect(openWebFile(`${url}B04.tif`, HERE)).rejects.toThrow(/sent more than 16384 bytes/)
  })

  it('is refused when an answer is shorter than what was asked for', async () => {
    let asked = 0
    const { url } = await serveFolder(folderWithFile(), (_, response) => {
      const isLater = ++asked > 1
      if (isLater) response.writeHead(206, { 'Content-Range': 'bytes 50000-50001/100000' }).end('xx')
      return isLater
    })
    const source = await openWebFile(`${url}B04.tif`, HERE)
    await expect(source.read(50_000, 10)).rejects.toThrow(/sent 2 of 10 bytes/)
  })
})

describe('hosts', () => {
  const lookup: LookupFunction = (_, { all }, callback) =>
    all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)

  it('are asked only when they are allowed', async () => {
    const server = await serveFolder(folderWithFile())
    await expect(openWebFile(`${server.url}B04.tif`, { hosts: new Set() })).rejects.toThrow(/--image-host 127\.0\.0\.1/)
    expect(server.requests).toEqual([])
  })

  it('are not asked when their name leads into a private network', async () => {
    const server = await serveFolder(folderWithFile())
    const address = `${server.url.replace('127.0.0.1', 'images.example')}B04.tif`
    await expect(openWebFile(address, { hosts: new Set(['images.example']), lookup })).rejects.toThrow(
      /images\.example: leads to a private address/,
    )
    expect(server.requests).toEqual([])
  })
})

describe('an item of the web', () => {
  it('is refused when it is too large', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'item.json'), Buffer.alloc(4 * 1024 * 1024 + 1, ' '))
    const { url } = await serveFolder(folder)
    await expect(readWebItem(`${url}item.json`, HERE)).rejects.toThrow(/sent more than 4194304 bytes/)
  })
})
