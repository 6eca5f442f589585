import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import { describeWithJava } from './java.ts'
import { bearerToken, KAFKA_USER, type KafkaEngine } from './kafka.ts'
import { type KafkaTools, kafkaTools, readToEnd, startKafkaForGroup, texts } from './kafka-log.ts'
import { freshTopic } from './kafka-topics.ts'

describeWithJava('the log-in to Kafka', () => {
  let kafka: KafkaEngine
  let tools: KafkaTools
  startKafkaForGroup(started => {
    kafka = started
    tools = kafkaTools(started)
  })

  test('logs in with each of the mechanisms', async () => {
    await freshTopic(kafka.brokers, 'login')
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
      const options = { brokers: kafka.saslBrokers, sasl: { mechanism, ...KAFKA_USER } }
      await tools.withLog(
        'login',
        async log => {
          const [stored] = await log.append([{ key: mechanism, data: Buffer.from(mechanism) }])
          const { lane } = stored as { lane: string }
          expect(texts(await readToEnd(log, lane))).toContain(mechanism)
        },
        options,
      )
    }
  })

  test('uses TLS with a broker whose certificate it trusts, and with no other', async () => {
    await freshTopic(kafka.brokers, 'encrypted')
    const sasl = { mechanism: 'SCRAM-SHA-512', ...KAFKA_USER } as const
    const options = { brokers: kafka.tlsBrokers, sasl, tls: { ca: kafka.certificate } }
    await tools.withLog(
      'encrypted',
      async log => {
        const lane = `${log.identity}.0`
        await log.append([{ lane, data: Buffer.from('secret') }])
        expect(texts(await readToEnd(log, lane))).toEqual(['secret'])
      },
      options,
    )
    const trustingOthers = openKafkaEventLog({ ...options, topic: 'encrypted', tls: true })
    await expect(trustingOthers).rejects.toThrow('self-signed certificate')
  })

  test('reports a wrong password, without repeating it', async () => {
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
      const sasl = { mechanism, username: KAFKA_USER.username, password: 'wrong-password' }
      const opening = openKafkaEventLog({ brokers: kafka.saslBrokers, topic: 'login', sasl })
      const error = await opening.then(
        () => null,
        reason => reason as Error,
      )
      expect(error?.message).toContain(`refuses the log-in of 'app' by ${mechanism}`)
      expect(error?.message).not.toContain('wrong-password')
    }
  })

  test('logs in with tokens, and with a new one whenever the broker requests it', async () => {
    await freshTopic(kafka.brokers, 'login')
    let tokens = 0
    const token = async () => {
      tokens++
      return bearerToken(60_000)
    }
    const options = { brokers: kafka.saslBrokers, sasl: { mechanism: 'OAUTHBEARER', token } } as const
    await tools.withLog(
      'login',
      async log => {
        const lane = `${log.identity}.0`
        await log.append([{ lane, data: Buffer.from('before') }])
        const before = tokens
        await sleep(3_000)
        const [stored] = await log.append([{ lane, data: Buffer.from('after') }])
        expect(stored).toHaveProperty('position')
        expect(tokens).toBeGreaterThan(before)
      },
      options,
    )
  })

  test('reports a refused token', async () => {
    const sasl = { mechanism: 'OAUTHBEARER', token: async () => bearerToken(-60_000) } as const
    const opening = openKafkaEventLog({ brokers: kafka.saslBrokers, topic: 'login', sasl })
    await expect(opening).rejects.toThrow(/no log-in by OAUTHBEARER \(the broker says: invalid_token\)/)
  })

  test('reports a missing token', async () => {
    const sasl = { mechanism: 'OAUTHBEARER', token: () => Promise.reject(new Error('no credentials')) } as const
    const opening = openKafkaEventLog({ brokers: kafka.saslBrokers, topic: 'login', sasl })
    await expect(opening).rejects.toThrow('no log-in by OAUTHBEARER (no credentials)')
  })
})
