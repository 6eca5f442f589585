import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { SignatureV4 } from '@smithy/signature-v4'
import { Sha256 } from '../aws/sha256.ts'

/** Options of the log-in to Amazon MSK with IAM. */
export interface MskLogin {
  region: string
  /** Provider, called for each token because temporary credentials expire. By default the AWS SDK finds them. */
  credentials?: ReturnType<typeof defaultProvider>
  now?(): Date
}

const VALID_SECONDS = 900

/**
 * Makes a token that proves an IAM role to brokers of Amazon MSK, for SASL/OAUTHBEARER: a signed URL of the action
 * "connect", in base64url. This needs no request.
 *
 * @see https://docs.aws.amazon.com/msk/latest/developerguide/configure-clients-for-iam-access-control.html
 */
export async function mskToken({
  region,
  credentials = defaultProvider(),
  now = () => new Date(),
}: MskLogin): Promise<string> {
  const hostname = `kafka.${region}.amazonaws.com`
  const signer = new SignatureV4({ service: 'kafka-cluster', region, credentials, sha256: Sha256 })
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname,
      path: '/',
      headers: { host: hostname },
      query: { Action: 'kafka-cluster:Connect' },
    },
    { expiresIn: VALID_SECONDS, signingDate: now() },
  )
  const url = new URL(`https://${hostname}/`)
  for (const [name, value] of Object.entries(signed.query ?? {})) url.searchParams.set(name, String(value))
  // Added after signing: brokers log it, but the signature does not cover it.
  url.searchParams.set('User-Agent', 'landcover')
  return Buffer.from(url.href).toString('base64url')
}
