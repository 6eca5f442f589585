import type { Socket } from 'node:net'

/** Operations of the native protocol, version 4. */
export const OPERATION = {
  ...{ error: 0x00, startup: 0x01, ready: 0x02, authenticate: 0x03, query: 0x07, result: 0x08, prepare: 0x09 },
  ...{ execute: 0x0a, batch: 0x0d, challenge: 0x0e, authResponse: 0x0f, authSuccess: 0x10 },
} as const
const HEADER_BYTES = 9

/** Frame of Cassandra's native protocol. */
export interface Frame {
  version: number
  stream: number
  operation: number
  body: Buffer
  /** The whole frame, with its header. */
  bytes: Buffer
}

/** Calls back with each frame that a socket receives. */
export function onFrames(socket: Socket, take: (frame: Frame) => void): void {
  let unread = Buffer.alloc(0)
  socket.on('data', chunk => {
    unread = Buffer.concat([unread, chunk])
    while (unread.length >= HEADER_BYTES && unread.length >= HEADER_BYTES + unread.readUInt32BE(5)) {
      const whole = unread.subarray(0, HEADER_BYTES + unread.readUInt32BE(5))
      unread = unread.subarray(whole.length)
      take({
        version: whole.readUInt8(0),
        stream: whole.readInt16BE(2),
        operation: whole.readUInt8(4),
        body: whole.subarray(HEADER_BYTES),
        bytes: whole,
      })
    }
  })
}

/** Encodes a frame. */
export function frameBytes({ version, stream, operation, body }: Omit<Frame, 'bytes'>): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(version, 0)
  header.writeInt16BE(stream, 2)
  header.writeUInt8(operation, 4)
  header.writeUInt32BE(body.length, 5)
  return Buffer.concat([header, body])
}

/** Encodes a text. */
export function text(value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(Buffer.byteLength(value))
  return Buffer.concat([length, Buffer.from(value)])
}

/** Encodes bytes, or that there are none. */
export function bytes(value: Buffer | null): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(value?.length ?? -1)
  return Buffer.concat([length, value ?? Buffer.alloc(0)])
}

/** Encodes an error. */
export function error(code: number, message: string): Buffer {
  const coded = Buffer.alloc(4)
  coded.writeUInt32BE(code)
  return Buffer.concat([coded, text(message)])
}
