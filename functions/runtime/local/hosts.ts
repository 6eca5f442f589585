import { isIPv4, isIPv6 } from 'node:net'

/** A name or an address with a port or without, as it stands in a Host header (RFC 9110, 7.2). */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{0,5})?$/i

/**
 * The name, or address, of an authority in small letters and without the dot of the root; undefined where it is none.
 *
 * @param authority such as `localhost:8000` or `[::1]`
 */
export function hostOf(authority: string): string | undefined {
  const host = AUTHORITY.exec(authority)?.[1]?.toLowerCase()
  if (host?.startsWith('[') && !isIPv6(host.slice(1, -1))) return undefined
  return host?.replace(/(?<=.)\.$/, '')
}

/** Only this machine resolves these to itself: no page of somebody else has them as its origin. */
function isLoopback(host: string): boolean {
  if (host.startsWith('[')) return new URL(`http://${host}`).hostname === '[::1]'
  return host === 'localhost' || host.endsWith('.localhost') || (isIPv4(host) && host.startsWith('127.'))
}

/**
 * Whether a request is meant for this server. A page whose name its owner lets resolve to 127.0.0.1 shares its origin
 * with this server (DNS rebinding), and only the name tells it from our own.
 */
export function isOwnHost(authority: string, allowedHosts: readonly string[]): boolean {
  const host = hostOf(authority)
  return host !== undefined && (isLoopback(host) || allowedHosts.includes(host))
}

/**
 * The names of a list with commas.
 *
 * @throws Error that names what is no name
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
