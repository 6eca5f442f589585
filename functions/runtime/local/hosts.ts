import { isIP, isIPv4, isIPv6 } from 'node:net'

/** Name or address, with or without a port, as in a Host header (RFC 9110, 7.2). */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{0,5})?$/i

/**
 * Returns the name or address of an authority in lower case, without the final dot; undefined when it is invalid.
 *
 * @param authority such as `localhost:8000` or `[::1]`
 */
export function hostOf(authority: string): string | undefined {
  const host = AUTHORITY.exec(authority)?.[1]?.toLowerCase()
  if (host?.startsWith('[') && !isIPv6(host.slice(1, -1))) return undefined
  return host?.replace(/(?<=.)\.$/, '')
}

/**
 * Returns true for loopback names. Only this machine resolves them to itself, so no page of another owner has them as
 * its origin.
 */
export function isLoopback(host: string): boolean {
  if (host.startsWith('[')) return new URL(`http://${host}`).hostname === '[::1]'
  return host === 'localhost' || host.endsWith('.localhost') || (isIPv4(host) && host.startsWith('127.'))
}

/**
 * Returns true when a request is meant for this server. The owner of another page can let its name resolve to
 * 127.0.0.1, and then it shares its origin with this server (DNS rebinding). Only the name distinguishes it from our
 * own.
 */
export function isOwnHost(authority: string, allowedHosts: readonly string[]): boolean {
  const host = hostOf(authority)
  if (host === undefined) return false
  return isLoopback(host) || allowedHosts.includes(host) || (allowedHosts.includes(ANY_ADDRESS) && isAddress(host))
}

/** Entry of a list of hosts that allows every IP address. A name could resolve elsewhere, an address cannot. */
const ANY_ADDRESS = '*'

function isAddress(host: string): boolean {
  return isIPv4(host) || host.startsWith('[')
}

/** Address to listen on. */
export interface ListenAddress {
  address: string
  /** The address as a host of a URL; one that means all addresses of this machine is localhost there. */
  urlHost: string
  /** Hosts under which requests for the address come, besides the loopback names. */
  hosts: readonly string[]
  /** Other machines reach the address. */
  isOpen: boolean
}

/**
 * Parses the address to listen on.
 *
 * @throws Error unless it is an IP address without a zone, or localhost
 */
export function parseListenAddress(text: string): ListenAddress {
  const address = text === 'localhost' ? '127.0.0.1' : text
  if (isIP(address) === 0 || address.includes('%')) {
    throw new Error(`'${text}' is not an IP address: write 127.0.0.1, 192.168.1.5, or 0.0.0.0 for all of this machine`)
  }
  const { hostname } = new URL(`http://${isIPv6(address) ? `[${address}]` : address}`)
  if (hostname === '0.0.0.0' || hostname === '[::]') {
    return { address, urlHost: 'localhost', hosts: [ANY_ADDRESS], isOpen: true }
  }
  const isOpen = !isLoopback(hostname)
  return {
    address,
    urlHost: hostname === '127.0.0.1' ? 'localhost' : hostname,
    hosts: isOpen ? [hostname] : [],
    isOpen,
  }
}

/**
 * Parses a list of host names, separated by commas.
 *
 * @throws Error that names an invalid host name
 */
export function parseHosts(text: string): string[] {
  return text.split(',').map(part => {
    const name = part.trim()
    const host = hostOf(name)
    if (host === undefined || /:\d*$/.test(name.replace(/^\[.*\]/, ''))) {
      throw new Error(`'${name}' is not a host name: write landcover.example.org or 192.168.1.5, without a port`)
    }
    return host
  })
}
