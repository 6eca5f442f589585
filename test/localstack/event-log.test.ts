import { afterAll, beforeAll } from 'vitest'
import { openKinesisEventLog } from '../../functions/adapters/kinesis/event-log.ts'
import { describeEventLog } from '../contracts/event-log.ts'
import { type Kinesis, kinesisAt } from '../engines/kinesis.ts'
import { LOCALSTACK_START_TIMEOUT_MS, type LocalStack, REGION, startLocalStack } from './localstack.ts'
import { describeWithLocalStack } from './python.ts'

describeWithLocalStack("on LocalStack's Kinesis", () => {
  let localStack: LocalStack
  let kinesis: Kinesis
  beforeAll(async () => {
    localStack = await startLocalStack()
    kinesis = kinesisAt(localStack.endpoint)
  }, LOCALSTACK_START_TIMEOUT_MS)
  afterAll(async () => {
    kinesis?.client.destroy()
    await localStack?.stop()
  })

  describeEventLog('Kinesis', async () => {
    const options = { stream: 'contract', endpoint: localStack.endpoint, region: REGION }
    await kinesis.freshStream(options.stream, 3)
    let log = await openKinesisEventLog(options)
    return {
      log,
      async reopen() {
        await log.close()
        log = await openKinesisEventLog(options)
        return log
      },
      close: () => log.close(),
    }
  })
})
