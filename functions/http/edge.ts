import middy, { type Request } from '@middy/core'
import httpContentNegotiation, { type Context as Negotiated } from '@middy/http-content-negotiation'
import httpHeaderNormalizer from '@middy/http-header-normalizer'
import httpResponseSerializer from '@middy/http-response-serializer'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import { headOf } from './head.ts'

/** A function behind API Gateway (REST, proxy integration). */
export type ProxyHandler = (event: APIGatewayProxyEvent, context?: Context) => Promise<APIGatewayProxyResult>

/** Answer of a handler. When it has no Content-Type, its body is a value, which the edge writes in one of the forms. */
export type Answer<Body> = Omit<APIGatewayProxyResult, 'body'> & {
  body: Body | string
  /** Media type of the form; by default the best form that Accept allows. */
  type?: string
}

/** Form in which answers are written, such as JSON or CSV. */
export interface Form<Body> {
  /** Media type as Accept names it. */
  type: string
  contentType: string
  write(body: Body): string
}

/** Options of an HTTP handler: the forms of its bodies, and what it does. */
export interface EdgeOptions<Body> {
  /** The first is preferred. */
  forms: readonly Form<Body>[]
  /**
   * @param event with header names in lower case
   * @param accepted media types of the forms that Accept allows, best first
   */
  handle(event: APIGatewayProxyEvent, accepted: readonly string[]): Promise<Answer<Body>>
  /** Changes an answer after it was written, for example to a 304. */
  finish?(event: APIGatewayProxyEvent, answer: APIGatewayProxyResult): APIGatewayProxyResult
  /** The problem (RFC 9457) for an error that the handler or a form threw. */
  failed(error: Error): APIGatewayProxyResult
}

type EdgeRequest = Request<APIGatewayProxyEvent, APIGatewayProxyResult, Error, Negotiated>

/**
 * Wraps a handler in the rules of HTTP, with middy: header names, Accept, the written form, HEAD, and errors as
 * problems (RFC 9457).
 */
export function httpEdge<Body>({ forms, handle, finish, failed }: EdgeOptions<Body>): ProxyHandler {
  const types = forms.map(({ type }) => type)

  async function negotiated(event: APIGatewayProxyEvent, context: Negotiated): Promise<Answer<Body>> {
    const { type, ...answer } = await handle(event, context.preferredMediaTypes)
    if (type !== undefined) context.preferredMediaTypes = [type]
    return answer
  }

  const edge = middy<APIGatewayProxyEvent, APIGatewayProxyResult, Error, Negotiated>({ timeoutEarlyInMillis: 0 })
    .use(httpHeaderNormalizer())
    .use(
      httpContentNegotiation({
        parseCharsets: false,
        parseEncodings: false,
        parseLanguages: false,
        availableMediaTypes: types,
        // The handler refuses instead: only it knows which forms this answer has.
        failOnMismatch: false,
      }),
    )
    .before(({ event, context }: EdgeRequest) => {
      if (!event.headers?.accept?.trim()) context.preferredMediaTypes = types
    })
    .after((request: EdgeRequest) => {
      const { event, response } = request
      if (finish && response) request.response = finish(event, response)
    })
    .use(httpResponseSerializer({ serializers: forms.map(serializerOf) }))
    .onError((request: EdgeRequest) => {
      request.response = failed(request.error as Error)
    })
    .handler(negotiated as never) as unknown as ProxyHandler

  return async (event, context) => {
    // Middleware writes to the context, so each of several concurrent requests needs its own.
    const answer = await edge(event, { ...context } as Context)
    return event.httpMethod === 'HEAD' ? headOf(answer) : answer
  }
}

function serializerOf<Body>({ type, contentType, write }: Form<Body>) {
  return {
    regex: { test: (accepted: string) => accepted === type } as RegExp,
    serializer: ({ headers, body, ...answer }: { headers?: unknown; body?: unknown }) => ({
      ...answer,
      headers: { ...(headers as Record<string, string>), 'Content-Type': contentType },
      body: write(body as Body),
    }),
  }
}
