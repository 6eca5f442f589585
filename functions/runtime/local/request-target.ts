import type { IncomingMessage } from 'node:http'
import type { APIGatewayProxyResult } from 'aws-lambda'
import { problem } from '../../http/problem.ts'
import { isOwnHost } from './hosts.ts'

const ABSOLUTE = /^http:\/\/([^/?#]*)([^#]*)$/i
/** Maximum length of a name that is repeated in an answer. */
const MOST_CHARACTERS = 100

/**
 * Returns path and query of a request that is meant for this server, or the problem with it. A target in absolute form
 * (RFC 9112, 3.2.2) contains the host itself; then the Host header is not used.
 */
export function targetOf(
  { url = '', headersDistinct, httpVersion }: IncomingMessage,
  allowedHosts: readonly string[],
): string | APIGatewayProxyResult {
  const hosts = headersDistinct.host ?? []
  if (hosts.length > 1 || (hosts.length === 0 && httpVersion !== '1.0')) {
    return problem(400, 'The Host header is not right', `Host: must be given once, not ${hosts.length} times`)
  }
  const [, authority, path] = ABSOLUTE.exec(url) ?? [undefined, hosts[0], url]
  if (authority !== undefined && !isOwnHost(authority, allowedHosts)) {
    const name = authority.slice(0, MOST_CHARACTERS)
    return problem(
      421,
      'This server does not answer under that name',
      `It answers to localhost, not to ${JSON.stringify(name)}. If this is a name of the server, start it with --allow-host and the name.`,
    )
  }
  const target = /^[?]|^$/.test(path as string) ? `/${path}` : (path as string)
  if (!target.startsWith('/')) {
    return problem(
      400,
      'The request target is not right',
      'Write a path, such as /api/health, or a whole http:// address',
    )
  }
  return target
}
