import type { Stage } from '../../infra/stages.ts'

/** Stages with what each must be told. */
export const STAGES = {
  dev: {},
  prod: { allowlist: '192.0.2.0/24', alarmMail: 'operations@example.org' },
  local: {
    slotMs: '60000',
    rules: 'class-zscore',
    cassandra: 'cassandra://127.0.0.1:9042/landcover',
    athena: 'http://127.0.0.1:8080',
    database: 'archive',
  },
} as const satisfies Record<string, Record<string, string>>
export type StageName = keyof typeof STAGES

/** Everything that is deployed in one of the tests: each stage as it is, and with the other kinds of log. */
export const DEPLOYMENTS = {
  dev: { stage: 'dev', change: {} },
  prod: { stage: 'prod', change: {} },
  local: { stage: 'local', change: {} },
  'prod with readers who sign in': { stage: 'prod', change: { reads: { access: 'cognito' } } },
  'prod read by pages of others': {
    stage: 'prod',
    change: { allowedOrigins: ['https://example.org', 'http://localhost:3000'] },
  },
  'prod read by pages of others, whose readers sign in': {
    stage: 'prod',
    change: { reads: { access: 'cognito' }, allowedOrigins: ['https://example.org'] },
  },
  'dev on MSK': {
    stage: 'dev',
    change: { eventLog: { kind: 'msk', brokers: 2, brokerType: 'kafka.t3.small', diskGb: 10, partitions: 2 } },
  },
  'prod on MSK': {
    stage: 'prod',
    change: { eventLog: { kind: 'msk', brokers: 3, brokerType: 'kafka.m7g.large', diskGb: 100, partitions: 6 } },
  },
  'dev on a Kafka of its own': {
    stage: 'dev',
    change: {
      eventLog: {
        kind: 'kafka',
        brokers: ['b1.example.org:9096', 'b2.example.org:9096'],
        topic: 'image-events',
        secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:kafka-AbCdEf',
        network: {
          subnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
          securityGroupId: 'sg-0123456789abcdef0',
        },
      },
    },
  },
} as const satisfies Record<string, { stage: StageName; change: Partial<Stage> }>
export type Deployment = keyof typeof DEPLOYMENTS

export interface Resource {
  Type: string
  Properties: Record<string, unknown>
  DeletionPolicy?: string
}

/** What a deployment's app makes, as `cdk synth` would: every rule of cdk-nag has been held against it. */
export interface Synthesis {
  /** Of the validation: 0, or there is a finding without a reason. */
  exitCode: number
  said: string
  /** Of both stacks, with their logical ids. */
  resources: [string, Resource][]
  /** Bytes of the largest template. */
  largest: number
  /** What would be looked up in an account first. */
  missing: unknown[]
}

/** Where a synthesis lies, in the folder of all of them. */
export const fileOf = (deployment: Deployment): string => `${deployment}.json`

/** Lies in the folder when no more comes: why. */
export const FAILED = 'failed.txt'
