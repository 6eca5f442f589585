import { lookup as dnsLookup } from 'node:dns'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { SECOND_MS } from '../../core/time.ts'
import { ImageError } from '../errors.ts'
import { type ByteSource, refuseBeyondEnd } from '../tiff/source.ts'

/** Deadline of one request, with its whole answer. */
const REQUEST_MS = 30 * SECOND_MS
/** Number of attempts at one request, and the pause after the first; later ones are longer. */
const ATTEMPTS = 3
const RETRY_MS = 250
/** Size of the first read. It holds the directories of most Cloud-Optimized GeoTIFFs. */
const FIRST_BYTES = 16 * 1024
/** Maximum size of a STAC item. */
const MAX_ITEM_BYTES = 4 * 1024 * 1024

/** Hosts that may be asked. */
export interface WebAccess {
  /** Host names without ports, as in an address. */
  hosts: ReadonlySet<string>
  /** Name resolution; the system's by default. */
  lookup?: LookupFunction
}

/** Returns true for an address of the web. */
export function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text)
}

/** Returns the host of an address as WebAccess names it. */
export function hostOf(address: string): string {
  return new URL(address).hostname
}

/** Reads a STAC item. @throws ImageError for a host that is not allowed, a refusal, or an answer that is too large */
export async function readWebItem(address: string, access: WebAccess): Promise<string> {
  const { status, bytes } = await ask(address, access, {}, MAX_ITEM_BYTES)
  if (status !== 200) throw new ImageError(`${address}: the server answered ${status}; check the address`)
  return bytes.toString('utf8')
}

/**
 * Opens a file of the web. Its bytes are read by range, so that only the blocks that are needed are sent. A file that
 * changes while it is read is refused.
 *
 * @throws ImageError for a host that is not allowed, or a server that gives no ranges
 */
export async function openWebFile(address: string, access: WebAccess): Promise<ByteSource> {
  const first = await askRange(address, access, {}, 0, FIRST_BYTES)
  const { etag } = first.headers
  // A weak tag does not say that the bytes are the same, and servers refuse it here.
  const unchanged: Record<string, string> = etag && !etag.startsWith('W/') ? { 'if-match': etag } : {}
  return {
    name: address,
    sizeBytes: first.sizeBytes,
    async read(offset, length) {
      refuseBeyondEnd(address, first.sizeBytes, offset, length)
      if (offset + length <= first.bytes.length) return new Uint8Array(first.bytes.subarray(offset, offset + length))
      const { bytes } = await askRange(address, access, unchanged, offset, length)
      if (bytes.length !== length) {
        throw new ImageError(`${address}: the server sent ${bytes.length} of ${length} bytes; try again`)
      }
      return new Uint8Array(bytes)
    },
    close: async () => {},
  }
}

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  bytes: Buffer
}

async function askRange(
  address: string,
  access: WebAccess,
  headers: Record<string, string>,
  offset: number,
  length: number,
): Promise<Answer & { sizeBytes: number }> {
  const range = `bytes=${offset}-${offset + length - 1}`
  const answer = await ask(address, access, { ...headers, range }, length)
  if (answer.status === 412) throw new ImageError(`${address}: changed while it was read; observe it again`)
  if (answer.status === 200) {
    throw new ImageError(`${address}: the server does not send parts of files; download the file beside the item`)
  }
  if (answer.status !== 206) throw new ImageError(`${address}: the server answered ${answer.status}; check the address`)
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers['content-range'] ?? '') ?? []
  if (size === undefined || Number(start) !== offset) {
    throw new ImageError(`${address}: the server sent another part than ${range}; download the file beside the item`)
  }
  return { ...answer, sizeBytes: Number(size) }
}

/** Asks until there is an answer that a later attempt would not change. */
async function ask(
  address: string,
  access: WebAccess,
  headers: Record<string, string>,
  maxBytes: number,
): Promise<Answer> {
  refuseForbidden(address, access)
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await askOnce(address, access, headers, maxBytes)
      const isPassing = answer.status === 429 || answer.status >= 500
      if (!isPassing || attempt === ATTEMPTS) return answer
    } catch (error) {
      if (error instanceof ImageError) throw error
      if (attempt === ATTEMPTS) {
        const { code, message } = error as NodeJS.ErrnoException
        throw new ImageError(`${address}: cannot be read (${code ?? message}); check the address and the network`)
      }
    }
    await sleep(attempt * RETRY_MS)
  }
}

/** Makes one request. Follows no redirect: it could lead to a host that is not allowed. */
function askOnce(
  address: string,
  access: WebAccess,
  headers: Record<string, string>,
  maxBytes: number,
): Promise<Answer> {
  const url = new URL(address)
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const options = { headers, lookup: publicLookup(access), signal: AbortSignal.timeout(REQUEST_MS) }
    const sent = send(url, options, answer => {
      const parts: Buffer[] = []
      let bytes = 0
      const status = answer.statusCode ?? 0
      answer.on('data', (part: Buffer) => {
        // The body of a refusal is not needed, and one that is longer than what was asked for is not an answer.
        if (status >= 300 || (status === 200 && headers.range !== undefined)) {
          answer.destroy()
          resolve({ status, headers: answer.headers, bytes: Buffer.alloc(0) })
          return
        }
        bytes += part.length
        if (bytes > maxBytes) {
          answer.destroy()
          reject(new ImageError(`${address}: the server sent more than ${maxBytes} bytes; check the address`))
        } else parts.push(part)
      })
      answer.on('end', () => resolve({ status, headers: answer.headers, bytes: Buffer.concat(parts) }))
      answer.on('error', reject)
    })
    sent.on('error', reject).end()
  })
}

function refuseForbidden(address: string, { hosts }: WebAccess): void {
  const host = hostOf(address)
  if (hosts.has(host)) return
  throw new ImageError(
    `${address}: the host ${host} is not allowed; give --image-host ${host}, or download the file beside the item`,
  )
}

/** Addresses that are not hosts of the web (RFC 6890). */
const PRIVATE = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE.addSubnet(net, prefix)
}
for (const [net, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(net, prefix, 'ipv6')
}

/** Host names of this machine. They may lead to a private address. */
const LOOPBACK_NAMES = new Set(['localhost'])

/**
 * Resolves names, and refuses those that lead into a private network: an item must not make this machine ask servers
 * that only it can reach. A private address that a person allowed by its number is asked.
 */
function publicLookup({ lookup = dnsLookup as LookupFunction }: WebAccess): LookupFunction {
  return (host, options, callback) =>
    lookup(host, options, (error, address, family) => {
      const found = Array.isArray(address) ? address.map(each => each.address) : [address]
      const isRefused = !error && !LOOPBACK_NAMES.has(host) && found.some(isPrivate)
      const refusal = new ImageError(`${host}: leads to a private address; allow the address itself to read from it`)
      callback(isRefused ? refusal : error, address, family)
    })
}

function isPrivate(address: string): boolean {
  return PRIVATE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
