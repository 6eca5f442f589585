import { afterAll, beforeAll, describe } from 'vitest'
import { openKinesisEventLog } from '../../functions/adapters/kinesis/event-log.ts'
import { describeEventLog } from '../contracts/event-log.ts'
import { KINESIS_REGION, type KinesisEngine, startKinesis } from './kinesis.ts'

describe('on a stand-in for Kinesis', () => {
  let kinesis: KinesisEngine
  beforeAll(async () => {
    kinesis = await startKinesis()
  })
  afterAll(async () => {
    await kinesis?.stop()
  })

  describeEventLog('Kinesis', async () => {
    const options = { stream: 'contract', endpoint: kinesis.endpoint, region: KINESIS_REGION }
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
