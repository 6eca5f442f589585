import { expect, test } from 'vitest'
import { readSettings } from '../../web/settings.ts'

const DEFAULTS = { pollSeconds: 5, signIn: null }
const read = (fetch: () => Promise<Response>) => readSettings(fetch as typeof globalThis.fetch, 20)

test('what a deployment does not say is as by default', async () => {
  expect(await read(async () => Response.json({ pollSeconds: 30 }))).toEqual({ pollSeconds: 30, signIn: null })
})

test.each<[string, () => Promise<Response>]>([
  ['are not there', async () => new Response('Not found', { status: 404 })],
  ['are a page of something in between', async () => new Response('<!doctype html>')],
  ['cannot be reached', () => Promise.reject(new TypeError('Failed to fetch'))],
])('where they %s, the page goes on without them', async (_, fetch) => {
  expect(await read(fetch)).toEqual(DEFAULTS)
})

test('where they do not come, the page does not wait for them', async () => {
  const fetch = (_: unknown, init?: RequestInit) =>
    new Promise<Response>((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
    })
  expect(await readSettings(fetch as typeof globalThis.fetch, 20)).toEqual(DEFAULTS)
})
