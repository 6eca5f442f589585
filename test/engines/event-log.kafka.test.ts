import { afterAll, beforeAll } from 'vitest'
import { openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import { describeEventLog } from '../contracts/event-log.ts'
import { describeWithJava } from './java.ts'
import { type KafkaEngine, startKafka } from './kafka.ts'
import { freshTopic } from './kafka-topics.ts'

describeWithJava('on a Kafka broker', () => {
  let kafka: KafkaEngine
  beforeAll(async () => {
    kafka = await startKafka()
  })
  afterAll(async () => {
    await kafka?.stop()
  })

  describeEventLog('Kafka', async () => {
    const options = { brokers: kafka.brokers, topic: 'contract' }
    await freshTopic(options.brokers, options.topic)
    let log = await openKafkaEventLog(options)
    return {
      log,
      async reopen() {
        await log.close()
        log = await openKafkaEventLog(options)
        return log
      },
      close: () => log.close(),
    }
  })
})
