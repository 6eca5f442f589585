import { openSqliteEventLog } from '../../adapters/sqlite/event-log.ts'
import type { Position } from '../../core/lane.ts'
import { kafkaEvent, kinesisEvent, type ToLambdaEvent } from '../../lambda/encode-event.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Environment } from '../config/environment.ts'
import type { LogAddress } from '../config/log-address.ts'

/** Event log, with what a runtime needs to know about it. */
export interface OpenedLog {
  log: EventLog
  /** Encodes records as the Lambda event of this kind of log. */
  toEvent: ToLambdaEvent
  /** Removes old records, if no service does this: see openSqliteEventLog. */
  trim?(lane: string, upTo: Position, keptMs: number): Promise<void>
  /** Makes the next record follow a position, if that is possible: see openSqliteEventLog. */
  moveEnd?(to: Position): Promise<void>
}

/** @throws Error in one line that says what to do when the log cannot be reached or used */
export async function openLog(address: LogAddress, environment: Environment): Promise<OpenedLog> {
  switch (address.kind) {
    case 'embedded': {
      const log = openSqliteEventLog({ file: address.file })
      return { log, toEvent: kinesisEvent, trim: log.trim, moveEnd: log.moveEnd }
    }
    case 'kafka': {
      const { openKafkaEventLog } = await import('../../adapters/kafka/event-log.ts')
      const { brokers, topic } = address
      return { log: await openKafkaEventLog({ brokers, topic, ...environment.kafka }), toEvent: kafkaEvent }
    }
    case 'kinesis': {
      const { openKinesisEventLog } = await import('../../adapters/kinesis/event-log.ts')
      return { log: await openKinesisEventLog({ stream: address.stream }), toEvent: kinesisEvent }
    }
  }
}
