import { createHash, createHmac } from 'node:crypto'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import cassandra from 'cassandra-driver'

/** Credentials that sign the log-in to Keyspaces. */
export interface AwsCredentials {
  accessKeyId: string
  secretAccessKey: string
  /** Session token of temporary credentials, such as those of a Lambda function. */
  sessionToken?: string | undefined
}

/** Login for Keyspaces. */
export interface KeyspacesLogin {
  region: string
  /**
   * Returns credentials for each connection, because temporary ones are renewed. By default they are found as the AWS
   * SDK does.
   */
  credentials?(): Promise<AwsCredentials>
}

const SERVICE = 'cassandra'
const ALGORITHM = 'AWS4-HMAC-SHA256'
/** Name of the mechanism that we choose among those of Keyspaces. */
const CHOICE = Buffer.from('SigV4\0\0')
const VALID_SECONDS = 900

/**
 * Signs in to Keyspaces without a password: the server sends a nonce, and the client answers with its signature.
 *
 * @see https://docs.aws.amazon.com/keyspaces/latest/devguide/programmatic.credentials.html
 */
export function keyspacesAuthProvider({
  region,
  credentials = defaultProvider(),
}: KeyspacesLogin): cassandra.auth.AuthProvider {
  const provider: cassandra.auth.AuthProvider = {
    newAuthenticator: () => ({
      initialResponse: callback => callback(null, CHOICE),
      evaluateChallenge(challenge, callback) {
        const nonce = /(?:^|,)nonce=([^,]+)/.exec(challenge.toString('utf8'))?.[1]
        if (!nonce) return callback(new Error('Keyspaces sent no nonce to be signed'))
        credentials().then(
          known => callback(null, Buffer.from(answerToChallenge(nonce, region, known, new Date()))),
          error => callback(error),
        )
      },
      onAuthenticationSuccess() {},
    }),
  }
  // The driver accepts only subclasses of this class, although its types call it an interface.
  const { AuthProvider } = cassandra.auth as unknown as { AuthProvider: { prototype: object } }
  return Object.setPrototypeOf(provider, AuthProvider.prototype)
}

/**
 * Signs a nonce.
 *
 * @param nonce as the server sent it
 */
export function answerToChallenge(
  nonce: string,
  region: string,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  now: Date,
): string {
  const timestamp = now.toISOString()
  const day = timestamp.slice(0, 10).replaceAll('-', '')
  const scope = [day, region, SERVICE, 'aws4_request']
  const query = [
    `X-Amz-Algorithm=${ALGORITHM}`,
    `X-Amz-Credential=${encodeURIComponent([accessKeyId, ...scope].join('/'))}`,
    `X-Amz-Date=${encodeURIComponent(timestamp)}`,
    `X-Amz-Expires=${VALID_SECONDS}`,
  ]
  const request = ['PUT', '/authenticate', query.join('&'), `host:${SERVICE}`, '', 'host', sha256(nonce)].join('\n')
  const text = [ALGORITHM, timestamp, scope.join('/'), sha256(request)].join('\n')
  const key = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`)
  const answer = [`signature=${hmac(key, text).toString('hex')}`, `access_key=${accessKeyId}`, `amzdate=${timestamp}`]
  return [...answer, ...(sessionToken ? [`session_token=${sessionToken}`] : [])].join()
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
