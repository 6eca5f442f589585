import type { KafkaLogin } from '../../adapters/kafka-event-log.ts'
import type { EventLog } from '../../ports/event-log.ts'
import { parseLogAddress } from '../logs.ts'
import { variable } from './variables.ts'

/** @throws Error when the stage has another kind of log, or the log cannot be reached or used */
export async function openLog(): Promise<EventLog> {
  const address = parseLogAddress(variable('LANDCOVER_LOG'))
  if (address.kind === 'kinesis') {
    const { openKinesisEventLog } = await import('../../adapters/kinesis-event-log.ts')
    return openKinesisEventLog({ stream: address.stream })
  }
  if (address.kind === 'kafka') {
    const { openKafkaEventLog } = await import('../../adapters/kafka-event-log.ts')
    const { brokers, topic } = address
    const sasl = await kafkaLogin(process.env.LANDCOVER_LOG_LOGIN)
    return openKafkaEventLog({ brokers, topic, ...(sasl && { sasl, tls: true }) })
  }
  throw new Error(`a stage has no log of kind ${address.kind}`)
}

async function kafkaLogin(login: string | undefined): Promise<KafkaLogin | undefined> {
  if (!login) return undefined
  if (login !== 'iam') {
    const { readLogin } = await import('../../adapters/secret-login.ts')
    return { mechanism: 'SCRAM-SHA-512', ...(await readLogin(login)) }
  }
  const { mskToken } = await import('../../adapters/msk-token.ts')
  return { mechanism: 'OAUTHBEARER', token: () => mskToken({ region: process.env.AWS_REGION as string }) }
}
