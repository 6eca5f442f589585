import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import { type Answer, type Form, httpEdge } from '../../functions/http/edge.ts'
import { problem } from '../../functions/http/problem.ts'

type Handle = (event: APIGatewayProxyEvent, accepted: readonly string[]) => Promise<Answer<number>>

const FORMS: Form<number>[] = [
  { type: 'application/json', contentType: 'application/json', write: JSON.stringify },
  { type: 'text/csv', contentType: 'text/csv; charset=utf-8', write: value => `value\r\n${value}\r\n` },
]

function open(handle: Handle, forms = FORMS) {
  const errors: Error[] = []
  const edge = httpEdge({
    forms,
    handle,
    finish: (_event, answer) => ({ ...answer, headers: { ...answer.headers, Finished: 'yes' } }),
    failed(error) {
      errors.push(error)
      return problem(500, 'It failed', 'Try again.')
    },
  })
  const ask = (headers: Record<string, string> | null, { method = 'GET', context = {} } = {}) =>
    edge({ httpMethod: method, path: '/', headers } as APIGatewayProxyEvent, context as Context)
  return { ask, errors }
}

const best: Handle = async (_event, [type = 'none']) => ({ statusCode: 200, headers: {}, body: 7, type })

describe('the edge', () => {
  it('passes header names in small letters, for any spelling', async () => {
    let seen: unknown
    const { ask } = open(async event => {
      seen = event.headers
      return { statusCode: 200, headers: {}, body: 1 }
    })
    await ask({ 'Idempotency-Key': 'A', 'CONTENT-type': 'b' })
    expect(seen).toEqual({ 'idempotency-key': 'A', 'content-type': 'b' })
  })

  it.each([
    [null, 'application/json'],
    [{}, 'application/json'],
    [{ Accept: '' }, 'application/json'],
    [{ Accept: ' ' }, 'application/json'],
    [{ Accept: 'text/csv, */*' }, 'text/csv; charset=utf-8'],
    [{ accept: 'text/csv;q=0.1, application/json;q=0.2' }, 'application/json'],
  ])('writes the best form for the headers %j', async (headers, type) => {
    const { ask } = open(best)
    const answer = await ask(headers as Record<string, string> | null)
    expect(answer).toEqual({
      statusCode: 200,
      headers: { 'Content-Type': type, Finished: 'yes' },
      body: type === 'application/json' ? '7' : 'value\r\n7\r\n',
    })
  })

  it('gives the handler no form when Accept allows none', async () => {
    const { ask } = open(async (_event, accepted) => problem(406, 'No', accepted.join()))
    expect(JSON.parse((await ask({ accept: 'image/png' })).body)).toMatchObject({ status: 406, detail: '' })
  })

  it('keeps requests with the same context apart', async () => {
    const { ask } = open(best)
    const context = {}
    const answers = await Promise.all(['text/csv', 'application/json'].map(accept => ask({ accept }, { context })))
    expect(answers.map(({ body }) => body)).toEqual(['value\r\n7\r\n', '7'])
    expect(context).toEqual({})
  })

  it('answers HEAD with the length in bytes and no body, also where the answer is a problem', async () => {
    const form = { type: 'text/plain', contentType: 'text/plain', write: () => 'Wälder' }
    const { ask } = open(best, [form])
    expect(await ask({}, { method: 'HEAD' })).toMatchObject({ headers: { 'Content-Length': '7' }, body: '' })
    const failing = open(async () => {
      throw new Error('down')
    })
    const [get, head] = [await failing.ask({}), await failing.ask({}, { method: 'HEAD' })]
    expect(head).toMatchObject({ statusCode: 500, body: '' })
    expect(head.headers).toEqual({ ...get.headers, 'Content-Length': String(get.body.length) })
  })

  it('states no length for an answer without a body (304)', async () => {
    const { ask } = open(async () => ({ statusCode: 304, headers: { ETag: '"a"', 'Content-Type': 'x' }, body: '' }))
    expect((await ask({}, { method: 'HEAD' })).headers).not.toHaveProperty('Content-Length')
  })

  it('answers with a problem when the handler or a form throws', async () => {
    const { ask, errors } = open(best, [
      {
        ...(FORMS[0] as Form<number>),
        write: () => {
          throw new Error('too long')
        },
      },
    ])
    const { statusCode, headers } = await ask({})
    expect([statusCode, headers?.['Content-Type']]).toEqual([500, 'application/problem+json'])
    expect(errors.map(({ message }) => message)).toEqual(['too long'])
  })
})
