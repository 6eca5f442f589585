import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod'
import { limitedRequests } from './requests.ts'

const Login = z.object({ username: z.string(), password: z.string() })

/**
 * Reads a user name and password from Secrets Manager, in the form that Lambda uses for Kafka.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/kafka-cluster-auth.html
 * @throws Error that names the secret, never its content
 */
export async function readLogin(secretArn: string): Promise<z.infer<typeof Login>> {
  const client = new SecretsManagerClient({ requestHandler: limitedRequests(5_000, 10_000) })
  try {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }))
    const { data } = Login.safeParse(parsed(SecretString))
    if (!data) throw new Error(`the secret ${secretArn} is not of the form {"username": "…", "password": "…"}`)
    return data
  } finally {
    client.destroy()
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
