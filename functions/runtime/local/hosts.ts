import { isIPv4, isIPv6 } from 'node:net'

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
function isLoopback(host: string): boolean {
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
  return host !== undefined && (isLoopback(host) || allowedHosts.includes(host))
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
