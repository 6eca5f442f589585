import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { limitedRequests } from './requests.ts'

/**
 * Reads the texts of secrets from Secrets Manager.
 *
 * @param arns ARNs, also of other regions
 * @throws Error that names the secret, never its content
 */
export async function readSecrets(arns: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>()
  for (const arn of new Set(arns)) texts.set(arn, await readSecret(arn))
  return texts
}

async function readSecret(arn: string): Promise<string> {
  const region = arn.split(':')[3] as string
  const client = new SecretsManagerClient({ region, requestHandler: limitedRequests(5_000, 10_000) })
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }))
    if (SecretString === undefined) throw new Error('it holds bytes, not a text')
    return SecretString
  } catch (error) {
    throw new Error(`the secret ${arn} cannot be read: ${(error as Error).message}`, { cause: error })
  } finally {
    client.destroy()
  }
}
