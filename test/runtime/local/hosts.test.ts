import { describe, expect, it } from 'vitest'
import { isOwnHost, parseHosts } from '../../../functions/runtime/local/hosts.ts'

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
