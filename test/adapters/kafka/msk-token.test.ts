import { describe, expect, it } from 'vitest'
import { mskToken } from '../../../functions/adapters/kafka/msk-token.ts'

const LOGIN = {
  region: 'eu-central-1',
  credentials: async () => ({
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    sessionToken: 'tok/en+with=odd==',
  }),
  now: () => new Date('2026-11-25T12:00:00Z'),
}

async function parametersOf(login: Parameters<typeof mskToken>[0]): Promise<URLSearchParams> {
  const url = new URL(Buffer.from(await mskToken(login), 'base64url').toString('utf8'))
  expect(url.origin + url.pathname).toBe('https://kafka.eu-central-1.amazonaws.com/')
  return url.searchParams
}

describe('a token for Amazon MSK', () => {
  it("has the same signature as AWS's own signer makes", async () => {
    // Made by aws-msk-iam-sasl-signer-js 1.0.3 from these credentials at this time.
    const signature = 'a6497976652b0c4c344112117b0dad3e76465703c21cb800a6abb207e10980c4'
    expect(Object.fromEntries(await parametersOf(LOGIN))).toEqual({
      Action: 'kafka-cluster:Connect',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIDEXAMPLE/20261125/eu-central-1/kafka-cluster/aws4_request',
      'X-Amz-Date': '20261125T120000Z',
      'X-Amz-Expires': '900',
      'X-Amz-Security-Token': 'tok/en+with=odd==',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': signature,
      'User-Agent': 'landcover',
    })
  })

  it('differs for other credentials, and contains no secret', async () => {
    const other = await mskToken({
      ...LOGIN,
      credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'another-secret' }),
    })
    const text = Buffer.from(other, 'base64url').toString('utf8')
    expect(text).not.toContain('a6497976652b0c4c')
    expect(text).not.toContain('another-secret')
    expect(text).not.toContain('Security-Token')
  })

  it('fails without credentials', async () => {
    const credentials = () => Promise.reject(new Error('no credentials'))
    await expect(mskToken({ ...LOGIN, credentials })).rejects.toThrow('no credentials')
  })
})
