import { describe, expect, it } from 'vitest'
import { isOwnHost, parseHosts, parseListenAddress } from '../../../functions/runtime/local/hosts.ts'

describe('a host', () => {
  it.each([
    'localhost',
    'localhost:8000',
    'LocalHost:8000',
    'localhost.',
    'landcover.localhost:1',
    '127.0.0.1',
    '127.0.0.1:65535',
    '127.255.255.254:80',
    '[::1]',
    '[::1]:8000',
    '[0:0:0:0:0:0:0:1]:8000',
    'Dash.example.org:8000',
    'dash.example.org',
    '192.168.1.5',
    '[fd00::5]:8000',
  ])('is our own: %s', authority => {
    expect(isOwnHost(authority, ['dash.example.org', '192.168.1.5', '[fd00::5]'])).toBe(true)
  })

  it.each([
    '',
    'evil.example',
    'evil.example:8000',
    'localhost.evil.example',
    'evil-localhost',
    'evillocalhost',
    '127.0.0.1.evil.example',
    '127.evil.example',
    '126.0.0.1',
    '128.0.0.1',
    '127.0.0.1:8000:8000',
    '127.0.0.256',
    '127.1',
    '0.0.0.0',
    '[::2]',
    '[::]',
    '[::1',
    '[127.0.0.1]',
    'localhost@evil.example',
    'evil.example#localhost',
    'evil.example/localhost',
    'localhost evil.example',
    'sub.dash.example.org',
    'dash.example.orga',
    '192.168.1.50',
  ])('is not our own: %j', authority => {
    expect(isOwnHost(authority, ['dash.example.org', '192.168.1.5', '[fd00::5]'])).toBe(false)
  })
})

describe('names of --allow-host', () => {
  it('are a list with commas, in lower case', () => {
    expect(parseHosts('Dash.Example.org, 192.168.1.5,[fd00::5]')).toEqual([
      'dash.example.org',
      '192.168.1.5',
      '[fd00::5]',
    ])
  })

  it.each([
    '',
    'a,',
    'example.org:80',
    'example.org:',
    '[fd00::5]:1',
    'http://example.org',
    '*',
    '*.example.org',
    'a b',
  ])('are refused: %j', text => {
    expect(() => parseHosts(text)).toThrow('is not a host name: write landcover.example.org')
  })
})

describe('an address to listen on', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', 'localhost', false],
    ['localhost', '127.0.0.1', 'localhost', false],
    ['127.0.0.2', '127.0.0.2', '127.0.0.2', false],
    ['::1', '::1', '[::1]', false],
    ['192.168.1.5', '192.168.1.5', '192.168.1.5', true],
    ['fd00:0::5', 'fd00:0::5', '[fd00::5]', true],
    ['0.0.0.0', '0.0.0.0', 'localhost', true],
    ['::', '::', 'localhost', true],
    ['0::0', '0::0', 'localhost', true],
  ])('is %s', (text, address, urlHost, isOpen) => {
    expect(parseListenAddress(text)).toMatchObject({ address, urlHost, isOpen })
  })

  it.each(['', 'example.org', '*', '192.168.1', '192.168.1.5:80', '[::1]', 'fe80::1%eth0'])('is not %j', text => {
    expect(() => parseListenAddress(text)).toThrow('is not an IP address: write 127.0.0.1, 192.168.1.5, or 0.0.0.0')
  })

  it('is accepted as the host of requests, and no other address is', () => {
    const { hosts } = parseListenAddress('192.168.1.5')
    const others = ['192.168.1.6:8000', 'evil.example', '*']
    expect(['192.168.1.5:8000', 'localhost', ...others].map(host => isOwnHost(host, hosts))).toEqual([
      true,
      true,
      ...others.map(() => false),
    ])
    expect(isOwnHost('192.168.1.5', parseListenAddress('127.0.0.1').hosts)).toBe(false)
  })

  it('allows any IP address when it means all, but no name: only a name can be made to resolve elsewhere', () => {
    const { hosts } = parseListenAddress('0.0.0.0')
    const addresses = ['192.168.1.6:8000', '10.0.0.1', '[fd00::5]:80', '127.0.0.1', 'localhost']
    expect(addresses.filter(host => !isOwnHost(host, hosts))).toEqual([])
    const names = [
      'evil.example',
      '10.0.0.1.evil.example',
      '10.0.0',
      '0xa000001',
      '*',
      '*.example',
      '[::1',
      '[10.0.0.1]',
    ]
    expect(names.filter(host => isOwnHost(host, hosts))).toEqual([])
    expect(isOwnHost('Dash.example.org:80', [...hosts, 'dash.example.org'])).toBe(true)
  })
})
