import { NodeHttpHandler } from '@smithy/node-http-handler'

/**
 * How clients of AWS send requests: none waits for ever. By default the SDK waits without a limit for a connection, an
 * answer or the rest of its body; a request limit alone only writes a warning, and says nothing of the body.
 *
 * @param connectMs for the connection
 * @param silenceMs between a request and its answer, and between parts of the answer
 */
export function limitedRequests(connectMs: number, silenceMs: number): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: connectMs,
    requestTimeout: silenceMs,
    throwOnRequestTimeout: true,
    socketTimeout: silenceMs,
  })
}
