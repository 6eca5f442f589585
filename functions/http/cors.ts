import { AS_OF_HEADERS } from './as-of.ts'

/** What pages of other origins may do, where they may read. */
export const READING = {
  methods: ['GET', 'HEAD'],
  /** What they may say beside what everybody may. */
  headers: ['If-None-Match'],
  /** What they may see of an answer, beside its body and what everybody sees. */
  exposedHeaders: ['ETag', 'Link', 'Age', 'Warning', 'Retry-After', ...Object.keys(AS_OF_HEADERS)],
  /** How long a browser may remember it. */
  knownForSeconds: 600,
}

/**
 * The origins of a list with commas, as browsers say them; `*` is every one.
 *
 * @throws Error that names what is no origin
 */
export function parseOrigins(text: string): string[] {
  return text.split(',').map(part => {
    const origin = part.trim()
    if (origin === '*' || (/^https?:[^*]+$/.test(origin) && URL.parse(origin)?.origin === origin)) return origin
    throw new Error(`'${origin}' is not an origin: write https://example.org or http://localhost:3000, without a path`)
  })
}
