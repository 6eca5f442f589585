import { openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import { describeEventLog } from '../contracts/event-log.ts'
import { describeWithJava } from './java.ts'
import type { KafkaEngine } from './kafka.ts'
import { startKafkaForGroup } from './kafka-log.ts'
import { freshTopic } from './kafka-topics.ts'

describeWithJava('on a Kafka broker', () => {
  let kafka: KafkaEngine
  startKafkaForGroup(started => {
    kafka = started
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
