import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { viewerFilter } from '../../infra/constructs/allowlist.ts'
import { checkOldSyntax, hasNjs, inCloudFront } from '../support/cloudfront-runtime.ts'

type Run = (code: string, events: readonly unknown[]) => unknown[]

const inNode: Run = (code, events) => runInNewContext(`${code}\n${JSON.stringify(events)}.map(handler)`) as unknown[]

/** True for each viewer that CloudFront would let pass. */
function lets(run: Run, cidrs: readonly string[], ips: readonly string[]): boolean[] {
  const request = { uri: '/' }
  const answers = run(
    viewerFilter(cidrs),
    ips.map(ip => ({ viewer: { ip }, request })),
  ) as { uri?: string; statusCode?: number }[]
  for (const { uri, statusCode } of answers) if (uri === undefined) expect(statusCode).toBe(403)
  return answers.map(({ uri }) => uri === '/')
}

/** CI installs njs. Elsewhere its tests are skipped where it is missing. */
const RUNTIMES: [name: string, run: Run, isThere: boolean][] = [
  ['Node', inNode, true],
  ["CloudFront's njs", inCloudFront, hasNjs || process.env.CI !== undefined],
]

describe.each(RUNTIMES)('the allowlist of viewers, in %s', (_, run, isThere) => {
  it.runIf(isThere).each([
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
    expect(lets(run, [cidr], [ip])).toEqual([expected])
  })

  it.runIf(isThere)('lets a viewer pass who is in one of several networks', () => {
    const cidrs = ['192.0.2.0/24', '198.51.100.0/24']
    expect(lets(run, cidrs, ['192.0.2.1', '198.51.100.1', '203.0.113.1'])).toEqual([true, true, false])
  })
})

describe('the allowlist of viewers', () => {
  it('uses only syntax that every runtime of CloudFront has', () => {
    expect(() => checkOldSyntax(viewerFilter(['192.0.2.0/24']))).not.toThrow()
    for (const newer of ['for (var a of [1]) f(a)', 'const f = () => 1; f()', 'a?.b', 'let b = 1; g(b)']) {
      expect(() => checkOldSyntax(newer), newer).toThrow()
    }
  })

  it.each(['', '192.0.2.0', '192.0.2.0/33', '192.0.2.256/24', '192.0.2/24', '::/0', '192.0.2.0/24 '])(
    'refuses %j as a network',
    cidr => {
      expect(() => viewerFilter([cidr])).toThrow(`'${cidr}' is not an IPv4 network`)
    },
  )

  it('refuses more networks than fit into a CloudFront function', () => {
    const networks = (count: number) => Array.from({ length: count }, (_, at) => `10.${at >> 8}.${at & 255}.0/24`)
    expect(Buffer.byteLength(viewerFilter(networks(500)))).toBeLessThanOrEqual(10_240)
    expect(() => viewerFilter(networks(1_000))).toThrow('1000 networks do not fit')
  })
})
