import { open } from 'node:fs/promises'
import { ImageError } from '../errors.ts'

/** Source of bytes, such as a file or an object, that is read by position. */
export interface ByteSource {
  /** Name for messages: a path or an address. */
  name: string
  sizeBytes: number
  /** Reads exactly `length` bytes. @throws ImageError when the source ends before */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}

/** Opens a file. @throws ImageError when it cannot be read */
export async function openFile(path: string): Promise<ByteSource> {
  const file = await open(path).catch(error => {
    throw new ImageError(`${path}: cannot be opened (${(error as NodeJS.ErrnoException).code}); check the path`)
  })
  const { size, isFile } = await file.stat().then(stat => ({ size: stat.size, isFile: stat.isFile() }))
  if (!isFile) {
    await file.close()
    throw new ImageError(`${path}: is not a file; give the path of a GeoTIFF`)
  }
  return {
    name: path,
    sizeBytes: size,
    async read(offset, length) {
      refuseBeyondEnd(path, size, offset, length)
      const bytes = new Uint8Array(length)
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done)
        if (bytesRead === 0) throw endsTooEarly(path, offset + done)
        done += bytesRead
      }
      return bytes
    },
    close: () => file.close(),
  }
}

/** Refuses a read past the end of the source. @throws ImageError in that case */
export function refuseBeyondEnd(name: string, sizeBytes: number, offset: number, length: number): void {
  if (offset < 0 || length < 0 || offset + length > sizeBytes) throw endsTooEarly(name, sizeBytes)
}

function endsTooEarly(name: string, sizeBytes: number): ImageError {
  return new ImageError(
    `${name}: ends after ${sizeBytes} bytes, before data that it points to; it is cut off or damaged: copy it again`,
  )
}
