import { describe, expect, it } from 'vitest'
import { checkToken, refusalOf, type TokenRule } from '../../../functions/runtime/local/token.ts'

const TOKEN = 'f3b1c0de-f3b1c0de-f3b1c0de'
const WRITES: TokenRule = { token: TOKEN, scope: 'writes' }
const ALL: TokenRule = { token: TOKEN, scope: 'all' }

const status = (rule: TokenRule | undefined, method: string, path: string, authorization?: string) =>
  refusalOf(rule, { method, path, authorization })?.statusCode

describe('a token', () => {
  it.each([
    ['POST', '/api/events', 401, 401],
    ['PUT', '/', 401, 401],
    ['GET', '/api/class-stats', undefined, 401],
    ['HEAD', '/', undefined, 401],
    ['GET', '/metrics', undefined, 401],
    ['GET', '/readyz/', undefined, 401],
    ['OPTIONS', '/api/class-stats', undefined, undefined],
    ['GET', '/livez', undefined, undefined],
    ['GET', '/readyz', undefined, undefined],
  ])('is needed for %s %s: %s for writes, %s for all', (method, path, ofWrites, ofAll) => {
    expect([status(WRITES, method, path), status(ALL, method, path)]).toEqual([ofWrites, ofAll])
    expect(status(undefined, method, path)).toBeUndefined()
    for (const rule of [WRITES, ALL]) expect(status(rule, method, path, `Bearer ${TOKEN}`)).toBeUndefined()
  })

  it.each([
    ['another', `Bearer ${TOKEN}x`],
    ['a part of it', `Bearer ${TOKEN.slice(1)}`],
    ['none', 'Bearer'],
    ['an empty one', 'Bearer  '],
    ['another scheme', `Basic ${TOKEN}`],
    ['no scheme', TOKEN],
    ['two', `Bearer ${TOKEN} ${TOKEN}`],
  ])('is not %s', (_, authorization) => {
    expect(status(WRITES, 'POST', '/api/events', authorization)).toBe(401)
  })

  it('is requested as RFC 6750 defines it, and never repeated', () => {
    const request = { method: 'POST', path: '/api/events' }
    const missing = refusalOf(WRITES, { ...request, authorization: undefined })
    expect(missing?.headers?.['WWW-Authenticate']).toBe('Bearer realm="landcover"')
    const wrong = refusalOf(WRITES, { ...request, authorization: 'bearer wrong-token' })
    expect(wrong?.headers?.['WWW-Authenticate']).toBe('Bearer realm="landcover", error="invalid_token"')
    for (const { body } of [missing, wrong] as { body: string }[]) expect(body).not.toMatch(/f3b1|wrong-token/)
  })

  it.each(['', 'short', `${TOKEN} ${TOKEN}`, `${TOKEN}é`, `${TOKEN}\n`, `=${TOKEN}`])('cannot be %j', text => {
    expect(() => checkToken(text)).toThrow('has at least 16 letters, digits and -._~+/')
  })

  it.each([TOKEN, 'YWJjZGVmZ2hpamtsbW5vcA=='])('can be %s', text => {
    expect(checkToken(text)).toBe(text)
  })
})
