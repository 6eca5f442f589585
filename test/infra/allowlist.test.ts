import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { viewerFilter } from '../../infra/constructs/allowlist.ts'

/** True if CloudFront would let a viewer pass. */
function lets(cidrs: readonly string[], ip: string): boolean {
  const request = { uri: '/' }
  const asked = `${viewerFilter(cidrs)}\nhandler(${JSON.stringify({ viewer: { ip }, request })})`
  const answer = runInNewContext(asked) as { uri?: string; statusCode?: number }
  if (answer.uri === undefined) expect(answer.statusCode).toBe(403)
  return answer.uri === '/'
}

describe('the allowlist of viewers', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.0', true],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.0/24', '192.0.1.255', false],
    ['192.0.2.77/24', '192.0.2.1', true],
    ['198.51.100.7/32', '198.51.100.7', true],
    ['198.51.100.7/32', '198.51.100.8', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['255.255.255.255/32', '255.255.255.255', true],
    ['128.0.0.0/1', '127.255.255.255', false],
    ['0.0.0.0/0', '2001:db8::1', false],
  ])('of %s lets %s pass: %s', (cidr, ip, expected) => {
    expect(lets([cidr], ip)).toBe(expected)
  })

  it('lets a viewer pass who is in one of several networks', () => {
    const cidrs = ['192.0.2.0/24', '198.51.100.0/24']
    expect(['192.0.2.1', '198.51.100.1', '203.0.113.1'].map(ip => lets(cidrs, ip))).toEqual([true, true, false])
  })

  it.each(['', '192.0.2.0', '192.0.2.0/33', '192.0.2.256/24', '192.0.2/24', '::/0', '192.0.2.0/24 '])(
    'refuses %j as a network',
    cidr => {
      expect(() => viewerFilter([cidr])).toThrow(`'${cidr}' is not an IPv4 network`)
    },
  )
})
