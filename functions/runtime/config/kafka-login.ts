import type { KafkaLogin } from '../../adapters/kafka/event-log.ts'

/** Mechanisms by which a user name and a password sign in. */
export const PASSWORD_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
type PasswordMechanism = (typeof PASSWORD_MECHANISMS)[number]

/** Signs in with a user name and a password. */
export function passwordLogin(
  { username, password }: { username: string; password: string },
  mechanism: PasswordMechanism = 'SCRAM-SHA-512',
): KafkaLogin {
  return { mechanism, username, password }
}

/** Signs in to Amazon MSK with the credentials of AWS, as the SDK finds them. */
export function iamLogin(region: string): KafkaLogin {
  return {
    mechanism: 'OAUTHBEARER',
    async token() {
      const { mskToken } = await import('../../adapters/kafka/msk-token.ts')
      return mskToken({ region })
    },
  }
}
