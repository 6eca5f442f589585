import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Admin } from '@platformatic/kafka'
import { afterAll, beforeAll } from 'vitest'
import { type KafkaEventLogOptions, openKafkaEventLog } from '../../functions/adapters/kafka/event-log.ts'
import { type Position, START } from '../../functions/core/lane.ts'
import type { LogRecord } from '../../functions/core/record.ts'
import type { EventLog } from '../../functions/ports/event-log.ts'
import { COMPILE_ONCE } from './java.ts'
import { type KafkaEngine, startKafka } from './kafka.ts'

/**
 * Starts Kafka before the tests of a group, and stops it after them.
 *
 * @param whenStarted receives the broker before the first test
 */
export function startKafkaForGroup(whenStarted: (kafka: KafkaEngine) => void): void {
  let started: KafkaEngine | undefined
  beforeAll(async () => {
    started = await startKafka()
    whenStarted(started)
  })
  afterAll(() => started?.stop())
}

/** Tools for tests of the log on a running Kafka. */
export function kafkaTools(kafka: KafkaEngine) {
  /** Runs with the log of a topic, and always closes it. */
  async function withLog(
    topic: string,
    use: (log: EventLog) => Promise<void>,
    options: Partial<KafkaEventLogOptions> = {},
  ): Promise<void> {
    const log = await openKafkaEventLog({ brokers: kafka.brokers, topic, ...options })
    try {
      await use(log)
    } finally {
      await log.close()
    }
  }

  async function withAdmin(use: (admin: Admin) => Promise<unknown>): Promise<void> {
    const admin = new Admin({ clientId: 'tests', bootstrapBrokers: kafka.brokers })
    try {
      await use(admin)
    } finally {
      await admin.close()
    }
  }

  async function java(program: string, ...parameters: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('java', [
      COMPILE_ONCE,
      '-cp',
      join(kafka.jars, '*'),
      program,
      ...parameters,
    ])
    return stdout
  }
  const foreignProducer = (task: string, topic: string): Promise<string> =>
    java(join(import.meta.dirname, 'kafka/ForeignProducer.java'), task, kafka.brokers.join(','), topic)

  /** Changes a setting of a topic, and waits until the broker uses it. */
  const configure = (topic: string, config: string): Promise<string> =>
    java(
      'kafka.admin.ConfigCommand',
      ...`--bootstrap-server ${kafka.brokers} --alter --entity-type topics --entity-name ${topic} --add-config ${config}`.split(
        ' ',
      ),
    )

  return { withLog, withAdmin, java, foreignProducer, configure }
}

export type KafkaTools = ReturnType<typeof kafkaTools>

export const text = ({ data }: LogRecord): string => Buffer.from(data).toString()
export const texts = (records: LogRecord[]): string[] => records.map(text)

export async function readToEnd(log: EventLog, lane: string): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (let after: Position = START; ; after = (records.at(-1) as LogRecord).position) {
    const page = await log.read(lane, after, 60)
    if (page.length === 0) return records
    records.push(...page)
  }
}

/** The first result that is not an empty list or an error; gives up with the test's own time limit. */
export async function eventually<T>(attempt: () => Promise<T[]>): Promise<T[]> {
  for (;;) {
    const result = await attempt().catch(() => [])
    if (result.length > 0) return result
  }
}

/** The first answer that is neither false nor null; gives up with the test's own time limit. */
export async function until<T>(ask: () => Promise<T | false | null>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== false && answer !== null) return answer
    await sleep(50)
  }
}

/** Cursor of a lane, as far as the log needs it. */
export const cursorAt = (lane: string, position: Position, lastArrivalMs: number | null = null) => ({
  lane,
  lastPosition: position,
  lastArrivalMs,
})
