import { expect, test } from 'vitest'
import { readSettings } from '../../web/settings.ts'

const DEFAULTS = { pollSeconds: 5, signIn: null }
const read = (fetch: () => Promise<Response>) => readSettings(fetch as typeof globalThis.fetch, 20)

test('missing settings have their default', async () => {
  expect(await read(async () => Response.json({ pollSeconds: 30 }))).toEqual({ pollSeconds: 30, signIn: null })
})

test.each<[string, () => Promise<Response>]>([
  ['does not exist', async () => new Response('Not found', { status: 404 })],
  ['is replaced by a page of a proxy', async () => new Response('<!doctype html>')],
  ['cannot be reached', () => Promise.reject(new TypeError('Failed to fetch'))],
])('the defaults apply when the file %s', async (_, fetch) => {
  expect(await read(fetch)).toEqual(DEFAULTS)
})

test('the defaults apply when the file does not load in time', async () => {
  const fetch = (_: unknown, init?: RequestInit) =>
    new Promise<Response>((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
    })
  expect(await readSettings(fetch as typeof globalThis.fetch, 20)).toEqual(DEFAULTS)
})
