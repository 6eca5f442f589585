import { DEFAULT_RULES } from '../functions/core/rules/index.ts'
import { DAY_MS, HOUR_MS } from '../functions/core/time.ts'

/** Everything that may differ between deployments, and nowhere else: one object a stage. */
export interface Stage {
  name: string
  /** Whether everything goes with `cdk destroy`; otherwise what holds data stays. */
  disposable: boolean
  /** Fixed once there is data: another log is another system. */
  eventLog:
    | {
        kind: 'kinesis'
        /** A shard takes 1 MB, or 1,000 records, a second; on-demand costs more at rest and scales by itself. */
        shards: number | 'on-demand'
        /** A reader of its own for each consumer, pushed instead of polled: some 70 ms faster, paid by the shard and GB. */
        enhancedFanOut: boolean
      }
    | {
        /** Amazon MSK: Kafka in a network of its own, for who speaks Kafka already; several times the price at rest. */
        kind: 'msk'
        /** Each in a zone of its own. */
        brokers: 2 | 3
        /** kafka.t3.small, kafka.m7g.large, … */
        brokerType: string
        diskGb: number
        /** Of the topic; more can be added, none taken away. */
        partitions: number
      }
    | {
        /** A cluster that is there already, with a topic whose message.timestamp.type is LogAppendTime. */
        kind: 'kafka'
        /** `HOST:PORT` of some brokers. */
        brokers: string[]
        topic: string
        /** Of a secret {"username": …, "password": …} for SASL/SCRAM-SHA-512 over TLS; null: nobody signs in. */
        secretArn: string | null
        /** Null: the brokers are reached from the internet. */
        network: KafkaNetwork | null
      }
  /** How long the log keeps records, hours: how long the speed layer or the archive may be down. */
  retentionHours: number
  /** Length of arrival slots, ms: fixed once there is data. */
  slotMs: number
  /** The names of the anomaly rules; the first that finds something wins. */
  rules: string
  speedStore:
    | { kind: 'keyspaces' }
    /** A Cassandra that is there already; the functions make their tables in it. */
    | { kind: 'cassandra'; address: string }
  /** Athena, or what speaks its API at another address. */
  batchQuery: { kind: 'athena' } | { kind: 'athena-api'; endpoint: string; database: string }
  /**
   * Who may read the API and the dashboard: everybody, networks, or users whom the stage's owner has invited by mail.
   * Sending events always takes a signature.
   */
  reads: { access: 'public' } | { access: 'allowlist'; cidrs: string[] } | { access: 'cognito' }
  /** Of pages that may read the API by CloudFront beside its own, as browsers say them; `*` is every one. */
  allowedOrigins: string[]
  /** CloudFront in front of the dashboard and the API; without it the API is asked at API Gateway. */
  cloudFront: boolean
  /** Schedules that AWS runs; LocalStack has them and never fires. */
  schedules: boolean
  /** Mail address that alarms and anomalies go to; null: subscribe to the topics yourself. */
  alarmMail: string | null
  /** A month's costs above which alarmMail is told, US dollars; null: no budget. */
  monthlyBudget: number | null
  /** How long logs are kept, days. */
  logDays: 1 | 7 | 30 | 90
  /** Bytes that one statement of Athena may scan before it is stopped. */
  scanLimitBytes: number
}

/** Where Kafka's brokers are; from here S3 must be in reach, and Secrets Manager where there is a secret. */
export interface KafkaNetwork {
  subnetIds: string[]
  securityGroupId: string
}

const GB = 1024 ** 3
const RULES = DEFAULT_RULES.map(({ name }) => name).join()

/** What a stage must be told from outside, by `cdk -c name=value`. */
export type Context = (name: string) => string

const STAGES: Record<string, (context: Context) => Stage> = {
  /** Under LocalStack: what it lacks is left out, or stands beside it. */
  local: context => ({
    name: 'local',
    disposable: true,
    eventLog: { kind: 'kinesis', shards: 2, enhancedFanOut: false },
    retentionHours: 24,
    slotMs: Number(context('slotMs')),
    rules: context('rules'),
    speedStore: { kind: 'cassandra', address: context('cassandra') },
    batchQuery: { kind: 'athena-api', endpoint: context('athena'), database: context('database') },
    reads: { access: 'public' },
    allowedOrigins: [],
    cloudFront: false,
    schedules: false,
    alarmMail: null,
    monthlyBudget: null,
    logDays: 1,
    scanLimitBytes: GB,
  }),
  dev: () => ({
    name: 'dev',
    disposable: true,
    eventLog: { kind: 'kinesis', shards: 1, enhancedFanOut: false },
    retentionHours: 24,
    slotMs: HOUR_MS,
    rules: RULES,
    speedStore: { kind: 'keyspaces' },
    batchQuery: { kind: 'athena' },
    reads: { access: 'public' },
    allowedOrigins: [],
    cloudFront: true,
    schedules: true,
    alarmMail: null,
    monthlyBudget: null,
    logDays: 7,
    scanLimitBytes: 10 * GB,
  }),
  prod: context => ({
    name: 'prod',
    disposable: false,
    eventLog: { kind: 'kinesis', shards: 'on-demand', enhancedFanOut: false },
    retentionHours: (7 * DAY_MS) / HOUR_MS,
    slotMs: HOUR_MS,
    rules: RULES,
    speedStore: { kind: 'keyspaces' },
    batchQuery: { kind: 'athena' },
    reads: { access: 'allowlist', cidrs: context('allowlist').split(',') },
    allowedOrigins: [],
    cloudFront: true,
    schedules: true,
    alarmMail: context('alarmMail'),
    monthlyBudget: 500,
    logDays: 90,
    scanLimitBytes: 1024 * GB,
  }),
}

/** @throws Error that names the stages, or what the stage must be told */
export function stageNamed(name: string | undefined, contextOf: (name: string) => string | undefined): Stage {
  const make = STAGES[name ?? '']
  if (!make) throw new Error(`choose a stage: cdk … -c stage=${Object.keys(STAGES).join('|')}`)
  return make(wanted => {
    const value = contextOf(wanted)
    if (!value) throw new Error(`the stage ${name} must be told: cdk … -c ${wanted}=…`)
    return value
  })
}

/** The address of the speed store, as its functions are told. */
export function storeAddress({ speedStore }: Stage, keyspace: string): string {
  return speedStore.kind === 'cassandra' ? speedStore.address : `keyspaces://${keyspace}`
}
