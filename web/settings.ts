import type { SignInSettings } from './sign-in.ts'

/** Settings of a deployment, from the file settings.json beside the page. */
export type Settings = {
  /** Delay between two rounds of requests, seconds. */
  pollSeconds: number
  /** Sign-in server; null where readers do not sign in. */
  signIn: SignInSettings | null
}

/** Used when the file is missing or unreadable. If the API needs more, its responses report that. */
const DEFAULTS: Settings = { pollSeconds: 5, signIn: null }

/** Loads the settings. Returns the defaults on any error. */
export async function readSettings(fetch: typeof globalThis.fetch, timeoutMs: number): Promise<Settings> {
  try {
    const response = await fetch('./settings.json', { signal: AbortSignal.timeout(timeoutMs) })
    return response.ok ? { ...DEFAULTS, ...((await response.json()) as Partial<Settings>) } : DEFAULTS
  } catch {
    return DEFAULTS
  }
}
