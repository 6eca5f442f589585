import { NodeHttpHandler } from '@smithy/node-http-handler'

/**
 * Request settings of AWS clients, with time limits for everything. By default the SDK waits without a limit for a
 * connection, an answer or the rest of its body. A request limit alone only logs a warning, and does not cover the
 * body.
 *
 * @param connectMs time limit for the connection, ms
 * @param silenceMs time limit between a request and its answer, and between pieces of the answer, ms
 */
export function limitedRequests(connectMs: number, silenceMs: number): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: connectMs,
    requestTimeout: silenceMs,
    throwOnRequestTimeout: true,
    socketTimeout: silenceMs,
  })
}
