import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { APIGatewayProxyResult } from 'aws-lambda'

/** Compressed body of an answer. */
export interface Compressed {
  encoding: 'br' | 'gzip'
  bytes: Buffer
}

/**
 * Sizes between which a body is compressed here, bytes. Smaller bodies are not worth it; larger ones would delay other
 * answers.
 */
const LEAST_BYTES = 1_024
const MOST_BYTES = 256 * 1_024

/** Brotli's quality with the time of gzip's default. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }
const ENCODERS = { br: (body: string) => brotliCompressSync(body, BROTLI), gzip: (body: string) => gzipSync(body) }

/**
 * Compresses answers, and keeps the result for as long as the answer exists: many clients get the same one.
 *
 * @returns undefined where the HTTP server's own compression must decide: about quality values in Accept-Encoding, and
 * about small or large answers
 */
export function keptCompression(): (
  accepted: string | undefined,
  answer: APIGatewayProxyResult,
) => Compressed | undefined {
  const kept = new WeakMap<APIGatewayProxyResult, Map<string, Compressed>>()
  return (accepted, answer) => {
    const encoding = encodingOf(accepted)
    const { body, isBase64Encoded } = answer
    if (!encoding || isBase64Encoded || body.length < LEAST_BYTES || body.length > MOST_BYTES) return undefined
    const ofAnswer = kept.get(answer) ?? new Map<string, Compressed>()
    kept.set(answer, ofAnswer)
    const compressed = ofAnswer.get(encoding) ?? { encoding, bytes: ENCODERS[encoding](body) }
    ofAnswer.set(encoding, compressed)
    return compressed
  }
}

/** Best encoding of those that a client accepts alike, as browsers write it; undefined when it weighs them. */
function encodingOf(accepted = ''): 'br' | 'gzip' | undefined {
  if (accepted.includes(';')) return undefined
  const names = accepted
    .toLowerCase()
    .split(',')
    .map(name => name.trim())
  return (['br', 'gzip'] as const).find(name => names.includes(name))
}
