import type { AnomalyRow, BatchStatisticsRow, ClassStatsRow, Health, WindowRow } from '../functions/serving/schemas.ts'

/** Everything that the page shows, by the name of its part. */
export type Parts = {
  /** The newest windows. */
  windows: WindowRow[]
  /** Windows of the chosen range. */
  series: WindowRow[]
  alerts: AnomalyRow[]
  joined: ClassStatsRow[]
  batch: ClassStatsRow[]
  statistics: BatchStatisticsRow[]
  health: Health
}
export type PartName = keyof Parts

export type Question = {
  /** Relative to the page's origin. */
  url: string
  /** What the answer is of: an answer is asked for again only once this is another. Without it, in every round. */
  state?: string
}
export type Questions = { [Name in PartName]: Question }

/**
 * What one round of requests brought: new bodies, which parts were unchanged (304), and which could not be had. A part
 * that did not have to be asked for is in none of them.
 */
export type Round = {
  changed: Partial<Parts>
  unchanged: PartName[]
  failed: { part: PartName; reason: string }[]
}

/** What is older was not kept by a cache on the way, which does so for a moment. */
const OLD_SECONDS = 5

export type Api = {
  /** Asks for every part at once. Never rejects: a part that fails is named in `failed`, the others still count. */
  round(questions: Questions, signal: AbortSignal): Promise<Round>
}

/**
 * A client of the page's own origin. It remembers each part's ETag and sends it back as If-None-Match, so that a part
 * that did not change costs a 304 without a body (RFC 9110, 13.1.2).
 */
export function createApi({
  fetch,
  timeoutMs,
  authorization,
}: {
  fetch: typeof globalThis.fetch
  timeoutMs: number
  /** The value of the header of that name, where readers sign in. */
  authorization?: (() => Promise<string>) | undefined
}): Api {
  const known = new Map<PartName, Question & { etag: string | null }>()

  async function get<Name extends PartName>(
    part: Name,
    { url, state }: Question,
    signal: AbortSignal,
  ): Promise<{ body: Parts[Name] | 'unchanged'; ageSeconds: number }> {
    const last = known.get(part)
    const etag = last?.url === url ? last.etag : null
    const response = await fetch(url, {
      headers: {
        accept: 'application/json',
        ...(etag ? { 'if-none-match': etag } : {}),
        ...(authorization ? { authorization: await authorization() } : {}),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    // Where the system has no answer of now it gives the last one, and says how old that is.
    const ageSeconds = Number(response.headers.get('age') ?? 0)
    const isUnchanged = response.status === 304 && etag !== null
    if (!isUnchanged && !response.ok) throw new Error(`HTTP ${response.status}`)
    const body = isUnchanged ? 'unchanged' : checked(part, await response.json())
    // Only after the check: a body that could not be understood must be asked for again.
    const isOfNow = state !== undefined && ageSeconds <= OLD_SECONDS
    known.set(part, { url, etag: response.headers.get('etag') ?? etag, ...(isOfNow && { state }) })
    return { body, ageSeconds }
  }

  const isKnown = (part: PartName, { url, state }: Question): boolean => {
    const last = known.get(part)
    return state !== undefined && last?.url === url && last.state === state
  }

  return {
    async round(questions, signal) {
      const round: Round = { changed: {}, unchanged: [], failed: [] }
      const asked = (Object.entries(questions) as [PartName, Question][]).filter(
        ([part, question]) => !isKnown(part, question),
      )
      await Promise.all(
        asked.map(async ([part, question]) => {
          try {
            const { body, ageSeconds } = await get(part, question, signal)
            if (ageSeconds > OLD_SECONDS) round.failed.push({ part, reason: `an answer of ${ageSeconds} s ago` })
            if (body === 'unchanged') round.unchanged.push(part)
            else Object.assign(round.changed, { [part]: body })
          } catch (error) {
            known.delete(part)
            round.failed.push({ part, reason: reasonOf(error) })
          }
        }),
      )
      return round
    },
  }
}

/**
 * The API keeps to its schemas; what stands between it and the page may answer in its place.
 *
 * @throws TypeError for a body that is no answer of the API
 */
function checked<Name extends PartName>(part: Name, body: unknown): Parts[Name] {
  const isRight =
    part === 'health' ? typeof body === 'object' && body !== null && 'status' in body : Array.isArray(body)
  if (!isRight) throw new TypeError('not an answer of the API')
  return body as Parts[Name]
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error.name === 'TimeoutError') return 'no answer in time'
  return error.message
}
