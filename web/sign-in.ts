import type { AuthorizationServer, Client } from 'oauth4webapi'

/** OAuth endpoints and client of a stage whose readers sign in. */
export type SignInSettings = {
  issuer: string
  clientId: string
  /** Page of the sign-in server. */
  authorizationEndpoint: string
  logoutEndpoint: string
  /** Token endpoint, as a path on this origin; the stage forwards it to the sign-in server. */
  tokenPath: string
}

/** A signed-in reader. */
export type Session = {
  /** Value of the Authorization header. When no token can be obtained, the browser goes to the sign-in page. */
  authorization(): Promise<string>
  signOut(): void
}

/** Interface to the browser. */
export type BrowserPage = {
  url(): URL
  /** Leaves the page. */
  go(url: URL): void
  /** Changes the address without leaving the page. */
  show(url: URL): void
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  fetch: typeof globalThis.fetch
  now(): number
}

/** Data of a sign-in that has started; `address` is where the reader goes afterwards. */
type PendingSignIn = { verifier: string; state: string; address: string }

const PENDING = 'landcover.sign-in'
const REFRESH = 'landcover.refresh-token'
/** Time between the renewal of a token and its expiry. */
const RENEW_EARLY_MS = 60_000

/**
 * Signs in with the OAuth 2.0 authorization code flow and PKCE (RFC 6749, 7636). The refresh token is kept as long as
 * the tab is open; access tokens are in memory only.
 *
 * @returns null when the browser is leaving for the sign-in page
 * @throws Error when the server refuses
 */
export async function signIn(settings: SignInSettings, page: BrowserPage): Promise<Session | null> {
  const oauth = await import('oauth4webapi')
  const { storage } = page
  const server: AuthorizationServer = {
    issuer: settings.issuer,
    authorization_endpoint: settings.authorizationEndpoint,
    token_endpoint: new URL(settings.tokenPath, page.url()).href,
  }
  const client: Client = { client_id: settings.clientId }
  const redirectUri = new URL('.', page.url()).href
  // Pages without TLS exist only on the local machine, for tests.
  const options = {
    [oauth.customFetch]: page.fetch,
    [oauth.allowInsecureRequests]: page.url().protocol === 'http:',
  }
  let current: { token: string; untilMs: number } | undefined

  function setToken({ access_token, expires_in, refresh_token }: Awaited<ReturnType<typeof refresh>>): void {
    current = { token: access_token, untilMs: page.now() + (expires_in ?? 300) * 1000 - RENEW_EARLY_MS }
    if (refresh_token) storage.setItem(REFRESH, refresh_token)
  }

  async function exchange({ verifier, state, address }: PendingSignIn): Promise<void> {
    const parameters = oauth.validateAuthResponse(server, client, page.url(), state)
    page.show(new URL(address))
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      parameters,
      redirectUri,
      verifier,
      options,
    )
    setToken(await oauth.processAuthorizationCodeResponse(server, client, response))
  }

  async function refresh(token: string) {
    const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, options)
    return oauth.processRefreshTokenResponse(server, client, response)
  }

  /** Obtains a new access token with the refresh token. Returns false when there is none, or the server refuses it. */
  async function renew(): Promise<boolean> {
    const token = storage.getItem(REFRESH)
    if (!token) return false
    try {
      setToken(await refresh(token))
      return true
    } catch (error) {
      // Only a refusal shows that the token is invalid. A failed request does not.
      if (!(error instanceof oauth.ResponseBodyError)) throw error
      storage.removeItem(REFRESH)
      return false
    }
  }

  async function redirectToSignIn(): Promise<void> {
    const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
    storage.setItem(PENDING, JSON.stringify({ verifier, state, address: page.url().href } satisfies PendingSignIn))
    const url = new URL(settings.authorizationEndpoint)
    for (const [name, value] of Object.entries({
      response_type: 'code',
      client_id: settings.clientId,
      redirect_uri: redirectUri,
      scope: 'openid',
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }))
      url.searchParams.set(name, value)
    page.go(url)
  }

  const pending = storage.getItem(PENDING)
  storage.removeItem(PENDING)
  if (pending && page.url().searchParams.has('state')) await exchange(JSON.parse(pending) as PendingSignIn)
  else if (!(await renew())) {
    await redirectToSignIn()
    return null
  }

  /** The running renewal. Concurrent callers share it, because a refresh token may be valid only once. */
  let renewing: Promise<boolean> | undefined
  return {
    async authorization() {
      if (!current || page.now() >= current.untilMs) {
        renewing ??= renew().finally(() => {
          renewing = undefined
        })
        if (!(await renewing)) {
          await redirectToSignIn()
          throw new Error('signing in again')
        }
      }
      return `Bearer ${current?.token}`
    },
    signOut() {
      storage.removeItem(REFRESH)
      const url = new URL(settings.logoutEndpoint)
      url.searchParams.set('client_id', settings.clientId)
      url.searchParams.set('logout_uri', redirectUri)
      page.go(url)
    },
  }
}
