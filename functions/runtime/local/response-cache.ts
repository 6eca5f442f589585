import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { conditionalAnswer } from '../../http/etag.ts'
import { headOf } from '../../http/head.ts'
import { header } from '../../http/header.ts'

type Answering = (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>

/** Maximum number of answers in the cache, and of their bytes. The oldest are dropped first. */
export const MOST_KEPT = 200
export const MOST_KEPT_BYTES = 16 * 1024 * 1024

/**
 * Cache that replaces CloudFront's on one machine. Equal requests at the same time cause one answer, and a good answer
 * is given again for `sharedMs`. An answer that failed or was old is not kept: the next request asks again.
 *
 * @param now monotonic clock, ms
 */
export function responseCache(ask: Answering, sharedMs: number, now: () => number): Answering {
  const kept = new Map<string, { answer: APIGatewayProxyResult; atMs: number }>()
  const underWay = new Map<string, Promise<APIGatewayProxyResult>>()
  let keptBytes = 0

  function drop(key: string): void {
    keptBytes -= bytesOf(kept.get(key)?.answer)
    kept.delete(key)
  }

  function keep(key: string, answer: APIGatewayProxyResult): void {
    drop(key)
    kept.set(key, { answer, atMs: now() })
    keptBytes += bytesOf(answer)
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT && keptBytes <= MOST_KEPT_BYTES) return
      drop(oldest)
    }
  }

  async function answerTo(event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> {
    const accept = header(event, 'accept')
    const key = JSON.stringify([event.path, Object.entries(event.multiValueQueryStringParameters ?? {}).sort(), accept])
    const last = kept.get(key)
    if (last && now() - last.atMs < sharedMs) return last.answer
    const waited = underWay.get(key)
    if (waited !== undefined) return waited
    const asked = ask({ ...event, httpMethod: 'GET', headers: accept === undefined ? {} : { accept } })
      .then(answer => {
        if (answer.statusCode === 200 && answer.headers?.Age === undefined) keep(key, answer)
        return answer
      })
      .finally(() => underWay.delete(key))
    underWay.set(key, asked)
    return asked
  }

  return async event => {
    if (event.httpMethod !== 'GET' && event.httpMethod !== 'HEAD') return ask(event)
    const answer = conditionalAnswer(event, await answerTo(event))
    return event.httpMethod === 'HEAD' ? headOf(answer) : answer
  }
}

function bytesOf(answer: APIGatewayProxyResult | undefined): number {
  return answer ? Buffer.byteLength(answer.body) : 0
}
