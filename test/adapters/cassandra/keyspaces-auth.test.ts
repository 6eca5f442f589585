import { expect, it } from 'vitest'
import { answerToChallenge } from '../../../functions/adapters/cassandra/keyspaces-auth.ts'

// Test data of AWS's own plugins, which is the same for every language.
const NONCE = '91703fdc2ef562e19fbdab0f58e42fe5'
const KEYS = { accessKeyId: 'UserID-1', secretAccessKey: 'UserSecretKey-1' }
const NOW = new Date('2020-06-09T22:41:51Z')
const ANSWER =
  'signature=7f3691c18a81b8ce7457699effbfae5b09b4e0714ab38c1292dbdf082c9ddd87,access_key=UserID-1,amzdate=2020-06-09T22:41:51.000Z'

it("signs Keyspaces' challenge as AWS's own plugins do", () => {
  expect(answerToChallenge(NONCE, 'us-west-2', KEYS, NOW)).toBe(ANSWER)
})

it('names the session of temporary credentials', () => {
  const keys = { ...KEYS, sessionToken: 'sess-token-1' }
  expect(answerToChallenge(NONCE, 'us-west-2', keys, NOW)).toBe(`${ANSWER},session_token=sess-token-1`)
})

it.each([
  ['nonce', () => answerToChallenge('another', 'us-west-2', KEYS, NOW)],
  ['region', () => answerToChallenge(NONCE, 'us-east-1', KEYS, NOW)],
  ['secret', () => answerToChallenge(NONCE, 'us-west-2', { ...KEYS, secretAccessKey: 'other' }, NOW)],
  ['time', () => answerToChallenge(NONCE, 'us-west-2', KEYS, new Date(NOW.getTime() + 1))],
])('the signature is of the %s', (_, answer) => {
  expect(answer().slice(0, 75)).not.toBe(ANSWER.slice(0, 75))
})
