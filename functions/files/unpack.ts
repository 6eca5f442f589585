import { createReadStream, type ReadStream } from 'node:fs'
import { open as openFile, stat } from 'node:fs/promises'
import { pipeline, type Transform } from 'node:stream'
import { createGunzip, createInflateRaw, createZstdDecompress } from 'node:zlib'
import { SourceError } from './rows.ts'

/** Bytes of a file or of a part of it, unpacked. */
export interface Unpacked {
  /** Reads them from their start, as often as it is called. A failure says what the file is. */
  open(): AsyncIterable<Uint8Array>
  /** Share of the whole file up to which they are read, 0 to 1. */
  share(): number
}

/** @throws SourceError when it cannot be read */
export async function unpackedFile(path: string, form: 'text' | 'gzip' | 'zstd'): Promise<Unpacked> {
  const { size } = await stat(path).catch(error => {
    throw new SourceError(`cannot read ${path}: ${error.message}`, { cause: error })
  })
  const whole = { start: 0, end: Number.POSITIVE_INFINITY, size }
  if (form === 'text') return unpacked(path, whole, undefined, `cannot read ${path}`)
  const damaged = `${path} is a ${form} file that is damaged or cut off, download it again`
  return unpacked(path, whole, form === 'gzip' ? createGunzip : createZstdDecompress, damaged)
}

/** @param range first and last byte, and the size of the whole file */
function unpacked(
  path: string,
  range: { start: number; end: number; size: number },
  createUnpacker: (() => Transform) | undefined,
  failure: string,
): Unpacked {
  let source: ReadStream | undefined
  return {
    open() {
      source = createReadStream(path, range)
      return guarded(createUnpacker ? through(source, createUnpacker()) : source, failure)
    },
    share: () => (source ? (range.start + source.bytesRead) / range.size : 0),
  }
}

function through(source: NodeJS.ReadableStream, transform: Transform): Transform {
  pipeline(source, transform, () => {
    // A failure of one stream destroys the other, so that the reader gets it.
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
export interface ZipMember extends Unpacked {
  name: string
}

const END_BYTES = 22
const MAX_COMMENT_BYTES = 65_535
const STORED = 0
const DEFLATED = 8

/** The files in a zip archive, in its order. @throws SourceError when it is damaged, or larger than its form allows */
export async function membersOfZip(path: string): Promise<ZipMember[]> {
  const { size } = await stat(path)
  const file = await openFile(path)
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
      members.push({ name, ...unpackedMember(path, name, { flags, method, start, compressed, size }) })
    }
    return members
  } finally {
    await file.close()
  }
}

function unpackedMember(
  path: string,
  name: string,
  member: { flags: number; method: number; start: number; compressed: number; size: number },
): Unpacked {
  const { flags, method, start, compressed, size } = member
  const range = { start, end: start + compressed - 1, size }
  const damaged = `${name} in ${path} is damaged`
  const { open, share } = unpacked(path, range, method === STORED ? undefined : createInflateRaw, damaged)
  return {
    open() {
      if (flags & 1) throw new SourceError(`${name} in ${path} is encrypted: pack it without a password`)
      if (method !== STORED && method !== DEFLATED) {
        throw new SourceError(`${name} in ${path} is packed in a way that is not read: pack it as an ordinary zip`)
      }
      return compressed === 0 ? emptyBytes() : open()
    },
    share,
  }
}

async function* emptyBytes(): AsyncGenerator<Uint8Array> {
  // There are none.
}
