import type { Stage } from '../../infra/stages.ts'

/** Stages with the settings that each needs. */
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

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:landcover/'
const RECEIVERS: Stage['alerts'] = {
  receivers: {
    team: { type: 'slack', url: `${SECRET}slack-AbCdEf` },
    'on-call': { type: 'pagerduty', routing_key: `${SECRET}keys-AbCdEf#pagerduty` },
    program: { type: 'webhook', url: 'https://example.org/hook', secret: `${SECRET}keys-AbCdEf#webhook` },
    office: {
      ...{ type: 'email', server: 'smtps://example.org', from: 'landcover@example.org', to: ['office@example.org'] },
      ...{ username: `${SECRET}mail-AbCdEf#username`, password: `${SECRET}mail-AbCdEf#password` },
    },
    managers: { type: 'email', server: 'ses://eu-west-1', from: 'landcover@example.org', to: ['m@example.org'] },
    list: { type: 'sns', topic: 'arn:aws:sns:eu-central-1:123456789012:incidents' },
    bus: { type: 'eventbridge', bus: 'landcover-dev' },
    abroad: { type: 'eventbridge', bus: 'other', region: 'us-east-1' },
  },
}

/** Deployments that tests check: each stage, and variants with other logs, readers and origins. */
export const DEPLOYMENTS = {
  dev: { stage: 'dev', change: {} },
  'dev for everybody': { stage: 'dev', change: { reads: { access: 'public' } } },
  prod: { stage: 'prod', change: {} },
  local: { stage: 'local', change: {} },
  'prod with readers who sign in': { stage: 'prod', change: { reads: { access: 'cognito' } } },
  'prod with allowed origins': {
    stage: 'prod',
    change: { allowedOrigins: ['https://example.org', 'http://localhost:3000'] },
  },
  'prod with allowed origins and readers who sign in': {
    stage: 'prod',
    change: { reads: { access: 'cognito' }, allowedOrigins: ['https://example.org'] },
  },
  'dev with receivers of all kinds': { stage: 'dev', change: { alerts: RECEIVERS } },
  'dev with scenes': {
    stage: 'dev',
    change: {
      images: {
        bucket: true,
        topics: ['arn:aws:sns:us-west-2:123456789012:new-scenes'],
        buckets: ['public-scenes'],
        hosts: ['images.example.org'],
        atOnce: 2,
        minValid: 0.5,
        texture: false,
      },
    },
  },
  'dev on MSK': {
    stage: 'dev',
    change: {
      eventLog: { kind: 'msk', brokers: 2, brokerType: 'kafka.t3.small', bytesPerSecond: 100_000, partitions: 2 },
    },
  },
  'prod on MSK': {
    stage: 'prod',
    change: {
      eventLog: { kind: 'msk', brokers: 3, brokerType: 'kafka.m7g.large', bytesPerSecond: 200_000, partitions: 6 },
    },
  },
  'dev on an existing Kafka': {
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
  UpdatePolicy?: Record<string, unknown>
}

/** Output of a deployment's app, as from `cdk synth`. All rules of cdk-nag were checked. */
export interface Synthesis {
  /** Exit code of the validation: 0, unless there is a finding without a reason. */
  exitCode: number
  said: string
  /** Resources of all stacks, with their logical ids. */
  resources: [string, Resource][]
  /** Those of them that are in the edge stack, in us-east-1. */
  edge: [string, Resource][]
  /** Bytes of the largest template. */
  largest: number
  /** Values that would be looked up in an account first. */
  missing: unknown[]
}

/** File name of a synthesis, in the folder of all of them. */
export const fileOf = (deployment: Deployment): string => `${deployment}.json`

/** Name of the file that says why the synthesis failed. After it no more syntheses come. */
export const FAILED = 'failed.txt'
