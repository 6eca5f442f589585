import { MINUTE_MS, SECOND_MS } from '../../core/time.ts'
import type { Outcome } from '../../ports/receiver.ts'

/** Time limit of a try, ms. */
export const TRY_MS = 10 * SECOND_MS

/** Maximum length of what an answer adds to a reason, characters. */
const MOST_CHARACTERS = 200

/** Longest wait that an answer may ask for, ms. */
const LONGEST_WAIT_MS = 60 * MINUTE_MS

/** Statuses that say that the body is wrong, so that sending it again is of no use. */
const BODY_REFUSED = [400, 413, 415, 422]

/**
 * Posts a body over HTTP. It follows no redirect: the address of a receiver is a secret. The reason of a failure names
 * the host, never the address.
 *
 * @param tryMs time limit, ms
 */
export async function httpPost(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  tryMs: number = TRY_MS,
): Promise<Outcome> {
  const { host } = new URL(url)
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(tryMs),
    })
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
    const neverArrived = code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN'
    const reason = `${host} cannot be reached (${code ?? (error as Error).name})`
    return { kind: 'later', reason, afterMs: null, mayHaveArrived: !neverArrived }
  }
  if (response.ok) {
    await response.body?.cancel()
    return { kind: 'sent' }
  }
  const { status } = response
  const reason = `${host} answered ${status}${await explanationOf(response)}`
  if (BODY_REFUSED.includes(status)) return { kind: 'refused', reason }
  // After an error of the server it is not known whether the post has arrived.
  return { kind: 'later', reason, afterMs: retryAfterMs(response), mayHaveArrived: status >= 500 }
}

/** Wait that an answer asks for, ms; null when it asks for none. The header has seconds or an HTTP date. */
function retryAfterMs({ headers }: Response): number | null {
  const text = headers.get('retry-after')
  if (text === null) return null
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * SECOND_MS : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), LONGEST_WAIT_MS)
}

async function explanationOf(response: Response): Promise<string> {
  try {
    const text = (await response.text()).replaceAll(/\s+/g, ' ').trim()
    return text === '' ? '' : `: ${text.slice(0, MOST_CHARACTERS)}`
  } catch {
    return ''
  }
}
