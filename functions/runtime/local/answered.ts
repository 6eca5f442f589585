import type { IncomingMessage, ServerResponse } from 'node:http'

/** Request that has its answer. */
export interface Answered {
  method: string
  /** Path without parameters, which may hold names of people's sites. */
  path: string
  status: number
  /** Time from the headers of the request to the end of the answer, ms. */
  ms: number
  /** The client left before the answer was complete. */
  isCut: boolean
}

/** Tells of a request once, when its answer is complete or the client has left. */
export function onceAnswered(
  { method = '', url = '' }: IncomingMessage,
  response: ServerResponse,
  tell: (answered: Answered) => void,
): void {
  const startedMs = performance.now()
  const path = url.split('?', 1)[0] as string
  response.once('close', () => {
    const ms = Math.round(performance.now() - startedMs)
    tell({ method, path, status: response.statusCode, ms, isCut: !response.writableFinished })
  })
}
