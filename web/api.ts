import {
  type AlertRow,
  type ClassStatsRow,
  decodeAlerts,
  decodeClassStats,
  decodeHealth,
  decodeWindows,
  type Health,
  type WindowRow,
} from './rows.ts'

/** Everything that the page shows, by the name of its part. */
export type Parts = {
  windows: WindowRow[]
  alerts: AlertRow[]
  joined: ClassStatsRow[]
  batch: ClassStatsRow[]
  health: Health
}
export type PartName = keyof Parts

/** What one round of requests brought: new bodies, which parts were unchanged (304), and which could not be had. */
export type Round = {
  changed: Partial<Parts>
  unchanged: PartName[]
  failed: { part: PartName; reason: string }[]
}

type Endpoint<Body> = {
  url: string
  decode: (body: unknown) => Body
}

const ENDPOINTS: { [Name in PartName]: Endpoint<Parts[Name]> } = {
  windows: { url: '/api/realtime/ndvi', decode: decodeWindows },
  alerts: { url: '/api/anomalies?limit=50', decode: decodeAlerts },
  joined: { url: '/api/class-stats', decode: decodeClassStats },
  batch: { url: '/api/batch/class-stats', decode: decodeClassStats },
  health: { url: '/api/health', decode: decodeHealth },
}

/** What is older was not kept by a cache on the way, which does so for a moment. */
const OLD_SECONDS = 5

const PART_NAMES = Object.keys(ENDPOINTS) as PartName[]

export type Api = {
  /** Asks for every part at once. Never rejects: a part that fails is named in `failed`, the others still count. */
  round(signal: AbortSignal): Promise<Round>
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
  const etags = new Map<PartName, string>()

  async function get<Name extends PartName>(
    part: Name,
    signal: AbortSignal,
  ): Promise<{ body: Parts[Name] | 'unchanged'; ageSeconds: number }> {
    const { url, decode } = ENDPOINTS[part]
    const etag = etags.get(part)
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
    if (response.status === 304 && etag) return { body: 'unchanged', ageSeconds }
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    const body = decode(await response.json())
    const newEtag = response.headers.get('etag')
    // Only after decoding: a body that could not be understood must be asked for again.
    if (newEtag) etags.set(part, newEtag)
    else etags.delete(part)
    return { body, ageSeconds }
  }

  return {
    async round(signal) {
      const round: Round = { changed: {}, unchanged: [], failed: [] }
      await Promise.all(
        PART_NAMES.map(async part => {
          try {
            const { body, ageSeconds } = await get(part, signal)
            if (ageSeconds > OLD_SECONDS) round.failed.push({ part, reason: `an answer of ${ageSeconds} s ago` })
            if (body === 'unchanged') round.unchanged.push(part)
            else Object.assign(round.changed, { [part]: body })
          } catch (error) {
            round.failed.push({ part, reason: reasonOf(error) })
          }
        }),
      )
      return round
    },
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error.name === 'TimeoutError') return 'no answer in time'
  return error.message
}
