import type { SignInSettings } from './sign-in.ts'

/** What a deployment tells the page: the file settings.json beside it. */
export type Settings = {
  /** How long the page waits before it asks the API again, seconds. */
  pollSeconds: number
  /** Null where readers do not sign in. */
  signIn: SignInSettings | null
}

/** Where there is no such file, or none that can be read, the API says what is wrong. */
const DEFAULTS: Settings = { pollSeconds: 5, signIn: null }

export async function readSettings(fetch: typeof globalThis.fetch, timeoutMs: number): Promise<Settings> {
  try {
    const response = await fetch('./settings.json', { signal: AbortSignal.timeout(timeoutMs) })
    return response.ok ? { ...DEFAULTS, ...((await response.json()) as Partial<Settings>) } : DEFAULTS
  } catch {
    return DEFAULTS
  }
}
