import { readFileSync } from 'node:fs'
import { checkedLateness, DEFAULT_LATENESS, type Lateness } from '../functions/core/lateness.ts'
import { DEFAULT_RULES } from '../functions/core/rules/index.ts'
import { DAY_MS, HOUR_MS } from '../functions/core/time.ts'
import type { AlertsFile } from '../functions/runtime/config/alerts-file.ts'

/** One deployment on AWS, and everything in which it may differ from another. */
export interface Stage {
  name: string
  /** True if `cdk destroy` deletes everything. Otherwise resources with data stay. */
  disposable: boolean
  /** Cannot be changed once there are data: another log is another system. */
  eventLog:
    | {
        kind: 'kinesis'
        /** A shard accepts 1 MB or 1,000 records a second. On-demand costs more at rest and scales by itself. */
        shards: number | 'on-demand'
        /** Own reads for each consumer, pushed instead of polled: about 70 ms faster, paid by shard and GB. */
        enhancedFanOut: boolean
      }
    | {
        /** Amazon MSK: Kafka in its own network, for users who have Kafka clients. Several times the price at rest. */
        kind: 'msk'
        /** Number of brokers, each in its own availability zone. */
        brokers: 2 | 3
        /** Instance type: kafka.t3.small, kafka.m7g.large, … */
        brokerType: string
        /**
         * Maximum number of bytes that producers write in a second. The disks and the retention by size follow from it.
         */
        bytesPerSecond: number
        /** Partitions of the topic. They can be added, but not removed. */
        partitions: number
      }
    | {
        /** An existing cluster, with a topic whose message.timestamp.type is LogAppendTime. */
        kind: 'kafka'
        /** `HOST:PORT` of some brokers. */
        brokers: string[]
        topic: string
        /** ARN of a secret {"username": …, "password": …} for SASL/SCRAM-SHA-512 over TLS; null without login. */
        secretArn: string | null
        /** Network of the brokers; null if they are on the internet. */
        network: KafkaNetwork | null
      }
  /** Retention of the log, hours. The speed layer or the archive may be down for this time without losing records. */
  retentionHours: number
  /** Length of arrival slots, ms. Cannot be changed once there are data. */
  slotMs: number
  /**
   * Allowed lateness: how long a window stays open after its end, two days for satellite images. To change it, add an
   * entry whose `since` comes after the deployment: all functions then call the same events late.
   */
  lateness: Lateness
  /** Names of the rules for unusual images, separated by commas. The first one that finds an event unusual counts. */
  rules: string
  speedStore:
    | { kind: 'keyspaces' }
    /** An existing Cassandra. The functions create their tables in it. */
    | { kind: 'cassandra'; address: string }
  /** Athena, or a server with Athena's API at another address. */
  batchQuery: { kind: 'athena' } | { kind: 'athena-api'; endpoint: string; database: string }
  /**
   * Readers of the API and the dashboard: everybody, viewers in some networks, or users whom the stage's owner invited
   * by mail. Sending events always needs a signature.
   */
  reads: Reads
  /** Maximum number of reads of the API in a second, of all readers together. It limits what strangers can cost. */
  readsPerSecond: number
  /** Origins of other pages that may read the API through CloudFront, as browsers send them; `*` allows all origins. */
  allowedOrigins: string[]
  /** True if CloudFront serves the dashboard and the API. Otherwise clients call API Gateway. */
  cloudFront: boolean
  /**
   * True if CodeDeploy moves requests of the API to a new version: first a tenth of them, after ten minutes all, and back
   * when an alarm begins. LocalStack has no CodeDeploy.
   */
  gradualDeployments: boolean
  /** True if schedules start functions and batch runs. On LocalStack schedules never fire. */
  schedules: boolean
  /**
   * Role with which API Gateway writes logs. An account has one in each region, for all its APIs. `create` makes it and
   * replaces an existing one; `existing` uses the role that is there.
   */
  apiLogRole: 'create' | 'existing'
  /**
   * Number of workers that share the merging of small files. Each starts four times an hour. One merges what about 12,000
   * events a second leave: docs/cost.md.
   */
  compactionWorkers: number
  /**
   * People and programs that are told of incidents, in the form of alerts.json (docs/alerts.md), with the ARNs of secrets in
   * Secrets Manager.
   */
  alerts: AlertsFile
  /** Satellite scenes that are observed as they arrive; null: the stage gets events only. */
  images: Images | null
  /** Mail address for alarms and the budget; null: subscribe to the topics yourself. */
  alarmMail: string | null
  /** Budget for a month, US dollars. Mails are sent at half, four fifths and all of it; null: no budget. */
  monthlyBudget: number | null
  /** Retention of logs, days. */
  logDays: 1 | 7 | 30 | 90
  /** Bytes that one Athena statement may scan. Athena stops it at this limit. */
  scanLimitBytes: number
}

/** Where scenes come from, and how they are measured. Sites are stored with `npm run sites`. */
export interface Images {
  /** True if the stage has a bucket into which people put scenes: STAC items, with their images beside them. */
  bucket: boolean
  /** ARNs of topics whose messages are STAC items or notifications of buckets, such as those of a public archive. */
  topics: string[]
  /** Buckets beside the stage's own, and hosts, from which items and images may be read. Other addresses are refused. */
  buckets: string[]
  hosts: string[]
  /** Scenes that are observed at the same time, 2 or more. */
  atOnce: number
  /** Minimum share of a site that must be valid, 0 to 1. */
  minValid: number
  /** True if the texture is measured as well. */
  texture: boolean
}

/** Readers of a stage. */
export type Reads = { access: 'public' } | { access: 'allowlist'; cidrs: string[] } | { access: 'cognito' }

/** Network of Kafka's brokers. S3 must be reachable from it, and Secrets Manager if there is a secret. */
export interface KafkaNetwork {
  subnetIds: string[]
  securityGroupId: string
}

const GB = 1024 ** 3
const RULES = DEFAULT_RULES.map(({ name }) => name).join()

/** Reads a setting that is given at deployment: `cdk -c name=value`. Without a default it must be given. */
export type Context = (name: string, byDefault?: string) => string

/** Value of the setting `readers` of dev that lets only people read who sign in. */
const SIGNED_IN = 'signed-in'
/** Value of the setting `readers` of dev that opens the stage to everybody. */
const EVERYBODY = 'everybody'

/** Value of the setting `alerts`: incidents go to the stage's own event bus only. */
const BUS_ONLY = 'bus'

const STAGES: Record<string, (context: Context) => Stage> = {
  /** Stage for LocalStack. Services that LocalStack does not have are left out, or run beside it. */
  local: context => ({
    name: 'local',
    disposable: true,
    eventLog: { kind: 'kinesis', shards: 2, enhancedFanOut: false },
    retentionHours: 24,
    slotMs: Number(context('slotMs')),
    lateness: DEFAULT_LATENESS,
    rules: context('rules'),
    speedStore: { kind: 'cassandra', address: context('cassandra') },
    batchQuery: { kind: 'athena-api', endpoint: context('athena'), database: context('database') },
    reads: { access: 'public' },
    readsPerSecond: 100,
    allowedOrigins: [],
    cloudFront: false,
    gradualDeployments: false,
    schedules: false,
    apiLogRole: 'create',
    compactionWorkers: 1,
    alerts: alertsOf('local', context('alerts', BUS_ONLY)),
    images: null,
    alarmMail: null,
    monthlyBudget: null,
    logDays: 1,
    scanLimitBytes: GB,
  }),
  dev: context => ({
    name: 'dev',
    disposable: true,
    eventLog: { kind: 'kinesis', shards: 1, enhancedFanOut: false },
    retentionHours: 24,
    slotMs: HOUR_MS,
    lateness: DEFAULT_LATENESS,
    rules: RULES,
    speedStore: { kind: 'keyspaces' },
    batchQuery: { kind: 'athena' },
    reads: readsOf(context('readers', SIGNED_IN)),
    readsPerSecond: 5,
    allowedOrigins: [],
    cloudFront: true,
    gradualDeployments: true,
    schedules: true,
    apiLogRole: 'create',
    compactionWorkers: 1,
    alerts: alertsOf('dev', context('alerts', BUS_ONLY)),
    images: null,
    alarmMail: null,
    monthlyBudget: 100,
    logDays: 7,
    scanLimitBytes: 10 * GB,
  }),
  prod: context => ({
    name: 'prod',
    disposable: false,
    eventLog: { kind: 'kinesis', shards: 'on-demand', enhancedFanOut: false },
    retentionHours: (7 * DAY_MS) / HOUR_MS,
    slotMs: HOUR_MS,
    lateness: DEFAULT_LATENESS,
    rules: RULES,
    speedStore: { kind: 'keyspaces' },
    batchQuery: { kind: 'athena' },
    reads: { access: 'allowlist', cidrs: context('allowlist').split(',') },
    readsPerSecond: 100,
    allowedOrigins: [],
    cloudFront: true,
    gradualDeployments: true,
    schedules: true,
    apiLogRole: 'create',
    compactionWorkers: 2,
    alerts: alertsOf('prod', context('alerts', BUS_ONLY)),
    images: null,
    alarmMail: context('alarmMail'),
    monthlyBudget: 500,
    logDays: 90,
    scanLimitBytes: 1024 * GB,
  }),
}

/** Stage with the given name. @throws Error that names the stages, or the setting that is missing */
export function stageNamed(name: string | undefined, contextOf: (name: string) => string | undefined): Stage {
  const make = STAGES[name ?? '']
  if (!make) throw new Error(`choose a stage: cdk … -c stage=${Object.keys(STAGES).join('|')}`)
  return make((wanted, byDefault) => {
    const value = contextOf(wanted) ?? byDefault
    if (!value) throw new Error(`the stage ${name} needs the setting ${wanted}: cdk … -c ${wanted}=…`)
    return value
  })
}

/** Readers from a setting: `signed-in`, `everybody`, or IPv4 networks such as `192.0.2.0/24`, separated by commas. */
function readsOf(readers: string): Reads {
  if (readers === SIGNED_IN) return { access: 'cognito' }
  if (readers === EVERYBODY) return { access: 'public' }
  return { access: 'allowlist', cidrs: readers.split(',') }
}

/** Receivers from a setting: `bus`, or the name of an alerts.json. @throws Error that names the file */
function alertsOf(stage: string, setting: string): AlertsFile {
  if (setting === BUS_ONLY) return { receivers: { bus: { type: 'eventbridge', bus: `landcover-${stage}` } } }
  try {
    return JSON.parse(readFileSync(setting, 'utf8'))
  } catch (error) {
    throw new Error(`alerts=${setting}: name a file in the form of alerts.json: ${(error as Error).message}`)
  }
}

/** Address of the speed store, for LANDCOVER_STORE. */
export function storeAddress({ speedStore }: Stage, keyspace: string): string {
  return speedStore.kind === 'cassandra' ? speedStore.address : `keyspaces://${keyspace}`
}

/**
 * Allowed lateness of a stage, for LANDCOVER_LATENESS.
 *
 * @throws Error that says what is wrong with it
 */
export function latenessText({ lateness }: Stage): string {
  return JSON.stringify(checkedLateness(lateness))
}
