import type { APIGatewayProxyEvent } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import { memoryObjectStore } from '../../functions/adapters/memory-object-store.ts'
import { decisionsHandler, isDecisionsPath } from '../../functions/decisions/handler.ts'
import { openDecisions } from '../../functions/decisions/stored-decisions.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { collectingLogger, NOON_MS } from '../support/factories.ts'
import { openIncident } from '../support/incidents.ts'

const ACKNOWLEDGE = { kind: 'acknowledge' as const, by: null, incident: openIncident() }
const NOW = new Date(NOON_MS).toISOString()
const MUTE = { until: '2026-11-30T00:00:00Z', reason: 'works' }

function open(objects: ObjectStore = memoryObjectStore()) {
  const decisions = openDecisions(objects)
  const logger = collectingLogger()
  const handler = decisionsHandler({ decisions, incidents: async () => [openIncident()], now: () => NOON_MS, logger })
  const post = async (path: string, value: unknown, type = 'application/json') => {
    const body = typeof value === 'string' ? value : JSON.stringify(value)
    const event = { httpMethod: 'POST', path, headers: { 'content-type': type }, body, isBase64Encoded: false }
    const answer = await handler(event as unknown as APIGatewayProxyEvent)
    return { status: answer.statusCode, body: JSON.parse(answer.body) }
  }
  return {
    decisions,
    post,
    logger,
    refusal: async (path: string, value: unknown) => (await post(path, value)).body.detail,
  }
}

describe('stored decisions', () => {
  it('get different numbers when many writers store them at once, and all readers see the same', async () => {
    const objects = memoryObjectStore()
    const writers = [openDecisions(objects), openDecisions(objects), openDecisions(objects)]
    const added = await Promise.all(writers.flatMap(each => [each.add(ACKNOWLEDGE, 1), each.add(ACKNOWLEDGE, 2)]))
    expect(added.map(({ number }) => number).sort()).toEqual([1, 2, 3, 4, 5, 6])
    for (const reader of [...writers, openDecisions(objects)]) {
      expect((await reader.all()).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6])
    }
  })

  it('are never changed or removed: every write is a put-if-absent', async () => {
    const objects = memoryObjectStore()
    const refuse = async () => Promise.reject(new Error('not allowed'))
    const { post, decisions } = open({ ...objects, put: refuse, delete: refuse })
    await post('/api/mutes', { ...MUTE, all: true })
    expect(await post('/api/mutes/1/end', { by: 'Ann' })).toMatchObject({ status: 201 })
    expect((await decisions.all()).map(({ kind }) => kind)).toEqual(['mute', 'end-mute'])
  })

  it('are refused when one is missing, damaged, or of a newer format', async () => {
    const objects = memoryObjectStore()
    const { add } = openDecisions(objects)
    await add(ACKNOWLEDGE, 1)
    await add(ACKNOWLEDGE, 2)
    const [first = ''] = await Array.fromAsync(objects.list('decisions/'))
    const bytes = (await objects.get(first)) as Uint8Array
    const read = () => openDecisions(objects).all()
    await objects.delete(first)
    await expect(read()).rejects.toThrow(`the object ${first} is missing: restore it from a backup`)
    await objects.put(first, Buffer.from('{'))
    await expect(read()).rejects.toThrow(`the object ${first} is not a JSON document`)
    await objects.put(first, Buffer.from(Buffer.from(bytes).toString().replace('"format":1', '"format":2')))
    await expect(read()).rejects.toThrow(`the object ${first} has format 2: run the landcover that wrote it`)
  })
})

describe('POST of a decision', () => {
  it('stores it with the incident that it is about', async () => {
    const { post, decisions } = open()
    const path = '/api/incidents/a/decisions'
    expect(await post(path, { kind: 'acknowledge', by: 'Ann' })).toMatchObject({
      status: 201,
      body: { number: 1, at: '2026-11-22T12:00:00.000Z', by: 'Ann', kind: 'acknowledge', incident: { id: 'a' } },
    })
    expect((await post(path, { kind: 'assign', to: 'Bob' })).body).toMatchObject({ number: 2, to: 'Bob', by: null })
    expect((await post(path, { kind: 'note', text: 'seen' })).body).toMatchObject({ number: 3, text: 'seen' })
    expect(await decisions.all()).toHaveLength(3)
  })

  it('stores a mute: from now or a later time, until its end or an earlier one', async () => {
    const { post } = open()
    expect((await post('/api/mutes', { ...MUTE, site: 'stand-1', by: 'Ann' })).body).toEqual({
      ...{
        kind: 'mute',
        number: 1,
        at: '2026-11-22T12:00:00.000Z',
        by: 'Ann',
        site: 'stand-1',
        class: null,
        region: null,
      },
      ...{ from: '2026-11-22T12:00:00.000Z', until: '2026-11-30T00:00:00.000Z', reason: 'works' },
    })
    const planned = { ...MUTE, from: '2026-11-25T00:00:00Z', region: [1, 2, 3, 4] }
    expect((await post('/api/mutes', planned)).body).toMatchObject({ number: 2, from: '2026-11-25T00:00:00.000Z' })
    expect((await post('/api/mutes/2/end', {})).body).toMatchObject({ number: 3, kind: 'end-mute', mute: 2 })
    expect(await post('/api/mutes/2/end', {})).toMatchObject({ status: 409 })
  })

  it.each([
    ['/api/incidents/b/decisions', { kind: 'acknowledge' }, "there is no incident 'b': GET /api/incidents lists them"],
    ['/api/incidents/a/decisions', { kind: 'delete' }, 'kind: must be acknowledge, assign or note'],
    ['/api/incidents/a/decisions', { kind: 'assign' }, /^to: /],
    ['/api/incidents/a/decisions', { kind: 'note', text: '' }, /^text: /],
    ['/api/incidents/a/decisions', { kind: 'acknowledge', why: 'x' }, 'why: there is no such field'],
    ['/api/incidents/a/decisions', '{', /^the body is not JSON: /],
    ['/api/incidents/a/decisions', `"${'x'.repeat(20_000)}"`, 'the body may have 16384 bytes'],
    ['/api/mutes', MUTE, 'the body: name a site, a class or a region, or say "all": true'],
    ['/api/mutes', { ...MUTE, all: true, site: 'a' }, 'all: leave it out beside a site, a class or a region'],
    ['/api/mutes', { ...MUTE, all: true, until: 'tomorrow' }, /^until: write a time in UTC/],
    ['/api/mutes', { ...MUTE, all: true, until: '2026-11-20T00:00:00Z' }, 'until: must be later than from'],
    ['/api/mutes', { ...MUTE, all: true, from: MUTE.until }, 'until: must be later than from'],
    ['/api/mutes', { ...MUTE, all: true, from: '2026-11-20T00:00:00Z', until: NOW }, 'until: has passed'],
    [
      '/api/mutes',
      { ...MUTE, all: true, from: '2026-11-01T00:00:00Z', until: '2026-11-20T00:00:00Z' },
      'until: has passed',
    ],
    ['/api/mutes', { all: true, until: MUTE.until }, /^reason: /],
    ['/api/mutes', { ...MUTE, region: [1, 3, 2, 2] }, 'region: south is north of north'],
    ['/api/mutes', { ...MUTE, region: [1, 2, 3] }, /^region/],
    ['/api/mutes/7/end', {}, "there is no mute '7': GET /api/mutes lists them"],
  ])('to %s of %j is refused', async (path, value, detail) => {
    const { refusal, decisions } = open()
    expect(await refusal(path, value)).toMatch(detail)
    expect(await decisions.all()).toEqual([])
  })

  it('needs JSON by its type, which a page of another origin cannot send', async () => {
    const { post } = open()
    expect(await post('/api/mutes', { ...MUTE, all: true }, 'text/plain')).toMatchObject({ status: 415 })
  })

  it('that cannot be stored is a 503 that says so', async () => {
    const objects = { ...memoryObjectStore(), putIfAbsent: async () => Promise.reject(new Error('the disk is full')) }
    const { post, logger } = open(objects)
    expect(await post('/api/mutes', { ...MUTE, all: true })).toMatchObject({
      ...{ status: 503, body: { detail: 'Send it again in a few seconds.' } },
    })
    expect(JSON.stringify(logger)).toContain('the disk is full')
  })

  it('is accepted at three paths', () => {
    const paths = [
      '/api/mutes',
      '/api/mutes/1/end',
      '/api/incidents/a/decisions',
      '/api/incidents',
      '/api/mutes/1',
      '/api/mutes/',
    ]
    expect(paths.map(isDecisionsPath)).toEqual([true, true, true, false, false, false])
  })
})

it('a decision that API Gateway has let through says who signed it', async () => {
  const decisions = openDecisions(memoryObjectStore())
  const incidents = async () => [openIncident()]
  const handler = decisionsHandler({ decisions, incidents, now: () => NOON_MS, logger: collectingLogger() })
  const signer = 'arn:aws:iam::123456789012:user/ann'
  for (const by of [undefined, 'Ann']) {
    const event = {
      ...{ httpMethod: 'POST', path: '/api/mutes', headers: { 'content-type': 'application/json' } },
      ...{ body: JSON.stringify({ ...MUTE, all: true, by }), requestContext: { identity: { userArn: signer } } },
    }
    expect(await handler(event as unknown as APIGatewayProxyEvent)).toMatchObject({ statusCode: 201 })
  }
  expect((await decisions.all()).map(({ by }) => by)).toEqual([signer, `Ann (${signer})`])
})

it('nothing is stored of what is posted to another path', async () => {
  const { post, decisions } = open()
  expect(await post('/api/windows', { ...MUTE, all: true })).toMatchObject({
    ...{ status: 404, body: { detail: expect.stringContaining('/api/openapi.json') } },
  })
  expect(await decisions.all()).toEqual([])
})
