import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { pipeline, type Transform } from 'node:stream'
import { createGunzip, createInflateRaw, createZstdDecompress } from 'node:zlib'
import { SourceError } from './rows.ts'

/** A file's bytes; a failure of the stream says what the file is. */
export function bytesOf(path: string, form: 'text' | 'gzip' | 'zstd'): AsyncIterable<Uint8Array> {
  if (form === 'text') return guarded(createReadStream(path), `cannot read ${path}`)
  const transform = form === 'gzip' ? createGunzip() : createZstdDecompress()
  const damaged = `${path} is a ${form} file that is damaged or cut off, download it again`
  return guarded(through(createReadStream(path), transform), damaged)
}

function through(source: NodeJS.ReadableStream, transform: Transform): Transform {
  pipeline(source, transform, () => {
    // The failure of one destroys the other, so the reader gets it.
  })
  return transform
}

async function* guarded(stream: AsyncIterable<Uint8Array>, message: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk
  } catch (error) {
    throw new SourceError(`${message}: ${(error as Error).message}`, { cause: error })
  }
}

/** File in a zip archive. */
export interface ZipMember {
  name: string
  bytes(): AsyncIterable<Uint8Array>
}

const END_BYTES = 22
const MAX_COMMENT_BYTES = 65_535
const STORED = 0
const DEFLATED = 8

/** The files in a zip archive, in its order. @throws SourceError when it is damaged, or larger than its form allows */
export async function membersOfZip(path: string): Promise<ZipMember[]> {
  const { size } = await stat(path)
  const file = await open(path)
  const damaged = () => new SourceError(`${path} is a zip archive that is damaged or cut off: download it again`)
  const read = async (at: number, length: number) => {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, at)
    if (bytesRead < length) throw damaged()
    return buffer
  }
  try {
    const tailBytes = Math.min(size, END_BYTES + MAX_COMMENT_BYTES)
    const tail = await read(size - tailBytes, tailBytes)
    const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
    if (end < 0 || tail.length < end + END_BYTES) throw damaged()
    const count = tail.readUInt16LE(end + 10)
    const [length, at] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)]
    if (at === 0xffffffff || count === 0xffff) {
      throw new SourceError(`${path} is a zip archive of more than 4 GB: unpack it and give the folder`)
    }
    if (at + length > size) throw damaged()
    const directory = await read(at, length)
    const members: ZipMember[] = []
    let offset = 0
    for (let index = 0; index < count; index++) {
      if (offset + 46 > directory.length || directory.readUInt32LE(offset) !== 0x02014b50) throw damaged()
      const [flags, method] = [directory.readUInt16LE(offset + 8), directory.readUInt16LE(offset + 10)]
      const compressed = directory.readUInt32LE(offset + 20)
      const [nameBytes, extra, comment] = [28, 30, 32].map(place => directory.readUInt16LE(offset + place)) as number[]
      const name = directory.toString('utf8', offset + 46, offset + 46 + (nameBytes as number))
      const header = await read(directory.readUInt32LE(offset + 42), 30)
      const start = directory.readUInt32LE(offset + 42) + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
      offset += 46 + (nameBytes as number) + (extra as number) + (comment as number)
      if (name.endsWith('/')) continue
      members.push({ name, bytes: () => memberBytes(path, name, { flags, method, start, compressed }) })
    }
    return members
  } finally {
    await file.close()
  }
}

function memberBytes(
  path: string,
  name: string,
  { flags, method, start, compressed }: { flags: number; method: number; start: number; compressed: number },
): AsyncIterable<Uint8Array> {
  if (flags & 1) throw new SourceError(`${name} in ${path} is encrypted: pack it without a password`)
  if (method !== STORED && method !== DEFLATED) {
    throw new SourceError(`${name} in ${path} is packed in a way that is not read: pack it as an ordinary zip`)
  }
  if (compressed === 0) return guarded(emptyBytes(), path)
  const stored = createReadStream(path, { start, end: start + compressed - 1 })
  const damaged = `${name} in ${path} is damaged`
  return guarded(method === STORED ? stored : through(stored, createInflateRaw()), damaged)
}

async function* emptyBytes(): AsyncGenerator<Uint8Array> {
  // There are none.
}
