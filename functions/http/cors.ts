import { AS_OF_HEADERS } from './as-of.ts'
import { RANGE_HEADER } from './range.ts'

/** CORS rules for pages of other origins that may read. */
export const READ_ONLY_CORS = {
  methods: ['GET', 'HEAD'],
  /** Request headers that they may send, besides those that CORS always allows. */
  headers: ['If-None-Match'],
  /** Response headers that they may read, besides those that CORS always exposes. */
  exposedHeaders: ['ETag', 'Link', 'Age', 'Warning', 'Retry-After', RANGE_HEADER, ...Object.keys(AS_OF_HEADERS)],
  /** Time for which a browser may cache these rules, s. */
  maxAgeSeconds: 600,
}

/**
 * Parses a list of origins, separated by commas, as browsers write them; `*` is any origin.
 *
 * @throws Error that names a text that is not an origin
 */
export function parseOrigins(text: string): string[] {
  return text.split(',').map(part => {
    const origin = part.trim()
    if (origin === '*' || (/^https?:[^*]+$/.test(origin) && URL.parse(origin)?.origin === origin)) return origin
    throw new Error(`'${origin}' is not an origin: write https://example.org or http://localhost:3000, without a path`)
  })
}
