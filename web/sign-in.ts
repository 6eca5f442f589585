import type { AuthorizationServer, Client, TokenEndpointResponse } from 'oauth4webapi'

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
  const server = signInServer(await import('oauth4webapi'), settings, page)
  const token = accessToken(server, page)
  const pending = page.storage.getItem(PENDING)
  page.storage.removeItem(PENDING)
  if (pending && page.url().searchParams.has('state')) {
    token.set(await server.exchange(JSON.parse(pending) as PendingSignIn))
  } else if (!(await token.renew())) {
    await server.redirectToSignIn()
    return null
  }
  return {
    async authorization() {
      if (!(await token.ensureCurrent())) {
        await server.redirectToSignIn()
        throw new Error('signing in again')
      }
      return `Bearer ${token.value()}`
    },
    signOut() {
      page.storage.removeItem(REFRESH)
      server.redirectToSignOut()
    },
  }
}

type SignInServer = ReturnType<typeof signInServer>

/** The exchanges with the sign-in server: with its token endpoint, and with its pages by redirects. */
function signInServer(oauth: typeof import('oauth4webapi'), settings: SignInSettings, page: BrowserPage) {
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
  return {
    /** Exchanges the code in the page's address for tokens, and shows the address where the sign-in started. */
    async exchange({ verifier, state, address }: PendingSignIn): Promise<TokenEndpointResponse> {
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
      return oauth.processAuthorizationCodeResponse(server, client, response)
    },
    /** Obtains tokens with the refresh token; null when the server refuses it. */
    async refresh(token: string): Promise<TokenEndpointResponse | null> {
      try {
        const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, options)
        return await oauth.processRefreshTokenResponse(server, client, response)
      } catch (error) {
        // Only a refusal shows that the token is invalid. A failed request does not.
        if (error instanceof oauth.ResponseBodyError) return null
        throw error
      }
    },
    async redirectToSignIn(): Promise<void> {
      const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
      const pending: PendingSignIn = { verifier, state, address: page.url().href }
      page.storage.setItem(PENDING, JSON.stringify(pending))
      const parameters = {
        response_type: 'code',
        client_id: settings.clientId,
        redirect_uri: redirectUri,
        scope: 'openid',
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }
      page.go(withParameters(settings.authorizationEndpoint, parameters))
    },
    redirectToSignOut(): void {
      const parameters = { client_id: settings.clientId, logout_uri: redirectUri }
      page.go(withParameters(settings.logoutEndpoint, parameters))
    },
  }
}

function withParameters(endpoint: string, parameters: Record<string, string>): URL {
  const url = new URL(endpoint)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url
}

/** The access token in memory, renewed with the refresh token of the tab. */
function accessToken(server: SignInServer, { storage, now }: BrowserPage) {
  let current: { token: string; untilMs: number } | undefined
  /** The running renewal. Concurrent callers share it, because a refresh token may be valid only once. */
  let renewing: Promise<boolean> | undefined

  function set({ access_token, expires_in, refresh_token }: TokenEndpointResponse): void {
    current = { token: access_token, untilMs: now() + (expires_in ?? 300) * 1000 - RENEW_EARLY_MS }
    if (refresh_token) storage.setItem(REFRESH, refresh_token)
  }

  /** Obtains a new access token. Returns false when there is no refresh token, or the server refuses it. */
  async function renew(): Promise<boolean> {
    const token = storage.getItem(REFRESH)
    if (!token) return false
    const tokens = await server.refresh(token)
    if (tokens) set(tokens)
    else storage.removeItem(REFRESH)
    return tokens !== null
  }

  return {
    set,
    renew,
    value: () => current?.token,
    /** Renews the token unless it is valid for some time. Returns false when it could not be renewed. */
    async ensureCurrent(): Promise<boolean> {
      if (current && now() < current.untilMs) return true
      renewing ??= renew().finally(() => {
        renewing = undefined
      })
      return renewing
    },
  }
}
