import { type AnswerName, type Answers, readAnswer, type UnusualImagePage } from './answers.ts'

/** A request that the page repeats in each round. */
export type Query = {
  /** Relative to the page's origin. */
  url: string
  /** Version of the data. The request is sent again only when the version changes. Without it, in every round. */
  state?: string
  /** True while there is nothing to ask for. */
  skip?: boolean
}
/** Query of each request of a round. */
export type Queries = { [Name in AnswerName]: Query }

/**
 * Result of one round of requests: new answers, names of unchanged answers (304), and failures. An answer that was not
 * requested is in none of them.
 */
export type Round = {
  changed: Partial<Answers>
  unchanged: AnswerName[]
  failed: { name: AnswerName; reason: string }[]
}

/** Highest normal age of an answer: an intermediate cache keeps it for a moment. An older one is a stale fallback. */
const MAX_AGE_SECONDS = 5
/** Max time an intermediate cache may serve the old response. */
const CACHE_MS = 3_000

/** Client of the API, with the browser's fetch. */
export type Api = {
  /**
   * Sends all requests at the same time. Never rejects: a request that fails is named in `failed`, the others still
   * count. An aborted round changes nothing.
   */
  round(queries: Queries, signal: AbortSignal): Promise<Round>
  /**
   * Loads one page of unusual images.
   *
   * @throws Error when the request fails
   */
  unusualImagePage(url: string): Promise<UnusualImagePage>
  /**
   * Loads all rows of a table of the API, page by page.
   *
   * @throws Error when a request fails
   */
  rows<Row>(url: string): Promise<Row[]>
  /**
   * Posts JSON.
   *
   * @throws Error with what the answer says when it is refused
   */
  post(url: string, body: Record<string, unknown>): Promise<void>
  /**
   * Downloads a file, without a time limit.
   *
   * @throws Error when the request fails
   */
  file(url: string): Promise<Blob>
}

/** Last response to a query. */
type Cached = {
  url: string
  etag: string | null
  state: string | undefined
  /** Time of the first request for that state, ms. */
  sinceMs: number
  /** True when an intermediate cache can no longer have served the response of the state before. */
  isFinal: boolean
}

/**
 * Client of the API on the page's own origin. It keeps the ETag of each answer and sends it back as If-None-Match, so
 * that an unchanged answer is a 304 without a body (RFC 9110, 13.1.2).
 */
export function createApi({
  timeoutMs,
  now,
  ...requests
}: Requests & {
  timeoutMs: number
  /** Monotonic clock, ms. */
  now: () => number
}): Api {
  const cache = new Map<AnswerName, Cached>()
  const get = getter(requests)

  async function request<Name extends AnswerName>(name: Name, { url, state }: Query, signal: AbortSignal) {
    const last = cache.get(name)
    const etag = last?.url === url ? last.etag : null
    const startMs = now()
    const response = await get(url, etag, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
    const body = response.status === 304 ? null : readAnswer(name, await response.json(), nextOf(response, url))
    // When the system cannot compute a new answer, it gives the last one and its age.
    const ageSeconds = Number(response.headers.get('age') ?? 0)
    const sinceMs = last?.url === url && last.state === state ? last.sinceMs : startMs
    const isFinal = ageSeconds <= MAX_AGE_SECONDS && startMs - sinceMs >= CACHE_MS
    return { body, ageSeconds, received: { url, etag: response.headers.get('etag') ?? etag, state, sinceMs, isFinal } }
  }

  const isFresh = (name: AnswerName, { url, state }: Query): boolean => {
    const last = cache.get(name)
    return state !== undefined && last?.url === url && last.state === state && last.isFinal
  }

  return {
    async round(queries, signal) {
      const round: Round = { changed: {}, unchanged: [], failed: [] }
      const received = new Map<AnswerName, Cached | null>()
      const due = (Object.entries(queries) as [AnswerName, Query][]).filter(
        ([name, query]) => !query.skip && !isFresh(name, query),
      )
      await Promise.all(
        due.map(async ([name, query]) => {
          try {
            const answer = await request(name, query, signal)
            const { body, ageSeconds } = answer
            received.set(name, answer.received)
            if (ageSeconds > MAX_AGE_SECONDS) round.failed.push({ name, reason: `the answer is ${ageSeconds} s old` })
            if (body === null) round.unchanged.push(name)
            else Object.assign(round.changed, { [name]: body })
          } catch (error) {
            // The next round requests it again in full, without the tag.
            received.set(name, null)
            if (isOfUnknownClass(name, error)) round.changed.unusualImages = { rows: [], next: null }
            else round.failed.push({ name, reason: reasonOf(error) })
          }
        }),
      )
      // The caller drops the result of an aborted round, so the cache must not remember it.
      if (signal.aborted) return round
      for (const [name, last] of received) {
        if (last) cache.set(name, last)
        else cache.delete(name)
      }
      return round
    },
    async unusualImagePage(url) {
      const response = await get(url, null, AbortSignal.timeout(timeoutMs))
      return readAnswer('unusualImages', await response.json(), nextOf(response, url))
    },
    rows: url => allRows(get, url, timeoutMs),
    post: (url, body) => post(requests.fetch, url, body, timeoutMs),
    async file(url) {
      return (await get(url, null, null)).blob()
    },
  }
}

/** URL of a path of the API, beside the page: a proxy may serve both below a path of its own. */
export function besidePage(url: string): string {
  return url.startsWith('/') ? `.${url}` : url
}

type Requests = {
  fetch: typeof globalThis.fetch
  /** Value of the Authorization header; undefined where readers do not sign in. */
  authorization?: (() => Promise<string>) | undefined
}

/** Makes the function that sends a request. It throws for a status other than success; a 304 is valid only with a tag. */
function getter({ fetch, authorization }: Requests) {
  return async (url: string, etag: string | null, signal: AbortSignal | null): Promise<Response> => {
    const response = await fetch(url, {
      headers: {
        accept: 'application/json',
        ...(etag ? { 'if-none-match': etag } : {}),
        ...(authorization ? { authorization: await authorization() } : {}),
      },
      signal,
    })
    if (response.ok || (response.status === 304 && etag)) return response
    throw new StatusError(response.status)
  }
}

/** Loads all pages of a table. */
async function allRows<Row>(get: ReturnType<typeof getter>, url: string, timeoutMs: number): Promise<Row[]> {
  const all: Row[] = []
  for (let next: string | null = url; next; ) {
    const response: Response = await get(next, null, AbortSignal.timeout(timeoutMs))
    const body: unknown = await response.json()
    if (!Array.isArray(body)) throw new TypeError('not an answer of the API')
    // Not all.push(...body): there may be too many for arguments of a call.
    for (const row of body) all.push(row)
    next = nextOf(response, next)
  }
  return all
}

async function post(
  fetch: typeof globalThis.fetch,
  url: string,
  body: Record<string, unknown>,
  timeoutMs: number,
): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (response.ok) return
  const { detail } = await response.json().catch(() => ({}))
  throw new Error(typeof detail === 'string' ? detail : `HTTP ${response.status}`)
}

/** Thrown for a response that is not a success. */
class StatusError extends Error {
  readonly status: number
  constructor(status: number) {
    super(`HTTP ${status}`)
    this.status = status
  }
}

/** Returns true for the answer to a link with a class that the system does not know. It has no unusual images. */
function isOfUnknownClass(name: AnswerName, error: unknown): boolean {
  return name === 'unusualImages' && error instanceof StatusError && error.status === 404
}

/** URL of the next page, from the Link header (RFC 8288), which is relative to the requested URL. */
function nextOf({ headers }: Response, url: string): string | null {
  const query = /<(\?[^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1]
  return query === undefined ? null : url.replace(/\?.*$/, '') + query
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error.name === 'TimeoutError') return 'no answer in time'
  return error.message
}
