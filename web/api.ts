import { type AlertPage, type AnswerName, type Answers, readAnswer } from './answers.ts'

export type Question = {
  /** Relative to the page's origin. */
  url: string
  /** What the answer is of: an answer is asked for again only once this is another. Without it, in every round. */
  state?: string
}
export type Questions = { [Name in AnswerName]: Question }

/**
 * What one round of requests brought: new bodies, which parts were unchanged (304), and which could not be had. A part
 * that did not have to be asked for is in none of them.
 */
export type Round = {
  changed: Partial<Answers>
  unchanged: AnswerName[]
  failed: { name: AnswerName; reason: string }[]
}

/** What is older was not kept by a cache on the way, which does so for a moment. */
const OLD_SECONDS = 5
/** So long a cache on the way may give what was so before. */
const SHARED_MS = 3_000

export type Api = {
  /**
   * Asks for every part at once. Never rejects: a part that fails is named in `failed`, the others still count. A round
   * that was aborted is as if it had not been.
   */
  round(questions: Questions, signal: AbortSignal): Promise<Round>
  /** @throws Error when it cannot be had */
  alertPage(url: string): Promise<AlertPage>
  /**
   * Waits however long it takes.
   *
   * @throws Error when it cannot be had
   */
  file(url: string): Promise<Blob>
}

/** What was last heard of a part. */
type Known = {
  url: string
  etag: string | null
  state: string | undefined
  /** When that state was first asked for, ms. */
  sinceMs: number
  /** A cache on the way can no longer have given what was before that state. */
  isSettled: boolean
}

/**
 * A client of the page's own origin. It remembers each part's ETag and sends it back as If-None-Match, so that a part
 * that did not change costs a 304 without a body (RFC 9110, 13.1.2).
 */
export function createApi({
  fetch,
  timeoutMs,
  authorization,
  now,
}: {
  fetch: typeof globalThis.fetch
  timeoutMs: number
  /** The value of the header of that name, where readers sign in. */
  authorization?: (() => Promise<string>) | undefined
  /** A clock of ms that only goes forward. */
  now: () => number
}): Api {
  const known = new Map<AnswerName, Known>()

  /** @throws Error for what is no answer, a 304 without a tag too */
  async function get(url: string, etag: string | null, signal: AbortSignal | null): Promise<Response> {
    const response = await fetch(url, {
      headers: {
        accept: 'application/json',
        ...(etag ? { 'if-none-match': etag } : {}),
        ...(authorization ? { authorization: await authorization() } : {}),
      },
      signal,
    })
    if (response.ok || (response.status === 304 && etag)) return response
    throw new Error(`HTTP ${response.status}`)
  }

  async function ask<Name extends AnswerName>(name: Name, { url, state }: Question, signal: AbortSignal) {
    const last = known.get(name)
    const etag = last?.url === url ? last.etag : null
    const askedMs = now()
    const response = await get(url, etag, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
    const body = response.status === 304 ? null : readAnswer(name, await response.json(), nextOf(response, url))
    // Where the system has no answer of now it gives the last one, and says how old that is.
    const ageSeconds = Number(response.headers.get('age') ?? 0)
    const sinceMs = last?.url === url && last.state === state ? last.sinceMs : askedMs
    const isSettled = ageSeconds <= OLD_SECONDS && askedMs - sinceMs >= SHARED_MS
    return { body, ageSeconds, heard: { url, etag: response.headers.get('etag') ?? etag, state, sinceMs, isSettled } }
  }

  const isKnown = (name: AnswerName, { url, state }: Question): boolean => {
    const last = known.get(name)
    return state !== undefined && last?.url === url && last.state === state && last.isSettled
  }

  return {
    async round(questions, signal) {
      const round: Round = { changed: {}, unchanged: [], failed: [] }
      const heard = new Map<AnswerName, Known | null>()
      const asked = (Object.entries(questions) as [AnswerName, Question][]).filter(
        ([name, question]) => !isKnown(name, question),
      )
      await Promise.all(
        asked.map(async ([name, question]) => {
          try {
            const answer = await ask(name, question, signal)
            const { body, ageSeconds } = answer
            heard.set(name, answer.heard)
            if (ageSeconds > OLD_SECONDS) round.failed.push({ name, reason: `an answer of ${ageSeconds} s ago` })
            if (body === null) round.unchanged.push(name)
            else Object.assign(round.changed, { [name]: body })
          } catch (error) {
            // Whatever is wrong with it: it is asked for again, in full.
            heard.set(name, null)
            round.failed.push({ name, reason: reasonOf(error) })
          }
        }),
      )
      // Nobody takes what an aborted round brought: it must be asked for again.
      if (signal.aborted) return round
      for (const [name, last] of heard) {
        if (last) known.set(name, last)
        else known.delete(name)
      }
      return round
    },
    async alertPage(url) {
      const response = await get(url, null, AbortSignal.timeout(timeoutMs))
      return readAnswer('alerts', await response.json(), nextOf(response, url))
    },
    async file(url) {
      return (await get(url, null, null)).blob()
    },
  }
}

/** Where the answer goes on, by its Link header (RFC 8288), which is relative to the question. */
function nextOf({ headers }: Response, url: string): string | null {
  const query = /<(\?[^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1]
  return query === undefined ? null : url.replace(/\?.*$/, '') + query
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error.name === 'TimeoutError') return 'no answer in time'
  return error.message
}
