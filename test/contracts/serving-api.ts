import { describe, expect, it } from 'vitest'
import { MINUTE_MS, SECOND_MS } from '../../functions/core/time.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import { ENDPOINTS } from '../../functions/serving/endpoints.ts'
import { NOON_MS } from '../support/factories.ts'

import { describeAnomalies } from './serving-api/anomalies.ts'
import { describeAnswers } from './serving-api/answers.ts'
import { apiOpener, image } from './serving-api/open-api.ts'
import { describeParameters } from './serving-api/parameters.ts'
import { describeQuarantine } from './serving-api/quarantine.ts'
import { describeWindows } from './serving-api/windows.ts'

/**
 * Contract tests of the API, for any speed store.
 *
 * @param openStore opens an empty store for the running test
 */
export function describeServingApi(name: string, openStore: () => Promise<SpeedStore>): void {
  describe(`the API on ${name}`, () => {
    const openApi = apiOpener(openStore)
    describeAnswers(openApi)
    describeParameters(openApi)
    describeWindows(openApi)
    describeAnomalies(openApi)
    describeQuarantine(openApi)

    describe('the API description', () => {
      it('has every endpoint with its parameters', async () => {
        const { json } = await openApi()
        const { openapi, paths, components } = await json('/api/openapi.json')
        expect(openapi).toBe('3.1.0')
        expect(Object.keys(paths)).toEqual([...ENDPOINTS.map(({ path }) => path), '/api/events', '/api/mutes/{id}/end'])
        expect(Object.keys(components.schemas)).toEqual(expect.arrayContaining(['WindowRow', 'Health', 'Problem']))
        const { schema } = paths['/api/windows'].get.responses[200].content['application/json']
        expect(schema).toEqual({ type: 'array', items: { $ref: '#/components/schemas/WindowRow' } })
        const parameters = paths['/api/anomalies'].get.parameters.map(({ name }: { name: string }) => name)
        expect(parameters).toEqual(['limit', 'class', 'rule', 'min_score', 'from', 'to', 'after', 'format'])
      })

      it('says how to send events: what one is, the key of a retry, the signature on AWS, and the responses', async () => {
        const { ask, json } = await openApi()
        const { paths, components } = await json('/api/openapi.json')
        const { post } = paths['/api/events']
        const [key] = post.parameters
        expect([key.name, key.in, key.required]).toEqual(['Idempotency-Key', 'header', false])
        expect(post.security).toEqual([{}, { signature: [] }])
        expect(components.securitySchemes.signature).toMatchObject({ in: 'header', name: 'Authorization' })
        expect(Object.keys(post.responses)).toEqual(expect.arrayContaining(['202', '400', '413', '415', '429', '503']))
        expect(Object.keys(post.requestBody.content)).toEqual(['application/json', 'application/x-ndjson'])
        const { headers, body } = await ask('/api/schemas/event.json')
        expect(headers['Content-Type']).toBe('application/schema+json')
        const { $schema, ...schema } = JSON.parse(body)
        expect($schema).toBe('https://json-schema.org/draft/2020-12/schema')
        expect(schema).toEqual(components.schemas.Event)
        const page = (await ask('/api/docs')).body
        for (const field of Object.keys(schema.properties)) expect(page).toContain(field)
      })

      it('says that nothing can be read where events are sent', async () => {
        const { ask } = await openApi()
        const { status, headers, body } = await ask('/api/events')
        expect([status, headers.Allow, JSON.parse(body).title]).toEqual([405, 'POST', 'Events can only be sent here'])
      })

      it('is also a page for people, which loads nothing else', async () => {
        const { ask } = await openApi()
        const { headers, body } = await ask('/api/docs')
        expect(headers['Content-Type']).toBe('text/html; charset=utf-8')
        for (const { path } of ENDPOINTS) expect(body).toContain(`GET ${path}`)
        expect(body).not.toMatch(/<script|src=|https?:/)
      })
    })

    describe('while the store does not answer', () => {
      const broken = () => Promise.reject(new Error('down'))

      it('the last good answer is given with its age; without one, or if it is too old, the answer is 503', async () => {
        let isDown = false
        const { ask, clock, append, speed, logger } = await openApi(({ store }) => ({
          store: { ...store, readCursors: () => (isDown ? broken() : store.readCursors()) },
        }))
        await speed([append(image('Forest', NOON_MS))])
        const good = await ask('/api/class-stats')
        expect(good.headers).not.toHaveProperty('Age')
        isDown = true
        clock.nowMs += 90 * SECOND_MS
        const old = await ask('/api/class-stats')
        expect(old).toMatchObject({ status: 200, body: good.body, headers: { Age: '90' } })
        expect(logger.lines.at(-1)?.message).toContain('an older answer was given')
        expect((await ask('/api/windows')).status).toBe(503)
        // Answers about the system itself are never old ones.
        expect(await ask('/api/health')).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } })
        clock.nowMs += 10 * MINUTE_MS
        expect((await ask('/api/class-stats')).status).toBe(503)
        isDown = false
        expect((await ask('/api/class-stats')).headers).not.toHaveProperty('Age')
      })
    })
  })
}
