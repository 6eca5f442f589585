import type { AuthorizationServer, Client } from 'oauth4webapi'

/** How readers of a stage sign in. */
export type SignInSettings = {
  issuer: string
  clientId: string
  /** Of the server that people sign in at. */
  authorizationEndpoint: string
  logoutEndpoint: string
  /** Of this origin, from where it is passed on. */
  tokenPath: string
}

export type Session = {
  /** The value of an Authorization header. Where it cannot be had any more, the page goes to sign in anew. */
  authorization(): Promise<string>
  signOut(): void
}

/** What this needs of the browser. */
export type Page = {
  url(): URL
  /** Leaves the page. */
  go(url: URL): void
  /** Shows another address, without leaving. */
  show(url: URL): void
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  fetch: typeof globalThis.fetch
  now(): number
}

/** A way to sign in that was begun, and where to go after it. */
type Begun = { verifier: string; state: string; address: string }

const BEGUN = 'landcover.sign-in'
const REFRESH = 'landcover.refresh-token'
/** Tokens are made anew so long before they end. */
const EARLY_MS = 60_000

/**
 * Signs in by OAuth 2.0's authorization code with PKCE (RFC 6749, 7636). The refresh token stays for as long as the tab
 * does; access tokens are in memory only.
 *
 * @returns null where the page is about to be left, to sign in
 * @throws Error when the server refuses
 */
export async function signIn(settings: SignInSettings, page: Page): Promise<Session | null> {
  const oauth = await import('oauth4webapi')
  const { storage } = page
  const server: AuthorizationServer = {
    issuer: settings.issuer,
    authorization_endpoint: settings.authorizationEndpoint,
    token_endpoint: new URL(settings.tokenPath, page.url()).href,
  }
  const client: Client = { client_id: settings.clientId }
  const redirectUri = new URL('.', page.url()).href
  // A page without TLS is one of this machine, for tests.
  const options = {
    [oauth.customFetch]: page.fetch,
    [oauth.allowInsecureRequests]: page.url().protocol === 'http:',
  }
  let current: { token: string; untilMs: number } | undefined

  function take({ access_token, expires_in, refresh_token }: Awaited<ReturnType<typeof refresh>>): void {
    current = { token: access_token, untilMs: page.now() + (expires_in ?? 300) * 1000 - EARLY_MS }
    if (refresh_token) storage.setItem(REFRESH, refresh_token)
  }

  async function exchange({ verifier, state, address }: Begun): Promise<void> {
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
    take(await oauth.processAuthorizationCodeResponse(server, client, response))
  }

  async function refresh(token: string) {
    const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, options)
    return oauth.processRefreshTokenResponse(server, client, response)
  }

  /** Takes a new access token, if there is still a way to one. */
  async function renew(): Promise<boolean> {
    const token = storage.getItem(REFRESH)
    if (!token) return false
    try {
      take(await refresh(token))
      return true
    } catch (error) {
      // No answer says nothing of the token; a refusal does.
      if (!(error instanceof oauth.ResponseBodyError)) throw error
      storage.removeItem(REFRESH)
      return false
    }
  }

  async function begin(): Promise<void> {
    const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
    storage.setItem(BEGUN, JSON.stringify({ verifier, state, address: page.url().href } satisfies Begun))
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

  const begun = storage.getItem(BEGUN)
  storage.removeItem(BEGUN)
  if (begun && page.url().searchParams.has('state')) await exchange(JSON.parse(begun) as Begun)
  else if (!(await renew())) {
    await begin()
    return null
  }

  /** One for all that ask at once: a refresh token may be good for a single use. */
  let renewing: Promise<boolean> | undefined
  return {
    async authorization() {
      if (!current || page.now() >= current.untilMs) {
        renewing ??= renew().finally(() => {
          renewing = undefined
        })
        if (!(await renewing)) {
          await begin()
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
