import { describe, expect, it } from 'vitest'
import { TABLES } from '../../functions/adapters/row-encoding/tables.ts'
import { AGGREGATES } from '../../functions/batch/aggregates-table.ts'
import { DAYS } from '../../functions/batch/days-table.ts'
import { functionsOf } from '../../infra/constructs/bundles.ts'
import { LOG_QUERIES } from '../../infra/constructs/log-queries.ts'
import { SAVED_QUERIES } from '../../infra/constructs/saved-queries.ts'
import { DEPLOYMENTS, type Deployment } from './deployments.ts'
import { stacksOf } from './stacks-of.ts'
import type { Synthesized } from './synthesized.ts'

/** Maximum size of a template in CloudFormation, bytes. */
const TEMPLATE_LIMIT = 1_000_000

describe.each(Object.keys(DEPLOYMENTS) as Deployment[])('the stacks of %s', deployment => {
  const { stage, images, allowedOrigins, log, all, properties, text, stacks } = stacksOf(deployment)

  it('have a reason for each finding of cdk-nag', () => {
    expect(stacks().said).toBe('')
    expect(stacks().exitCode).toBe(0)
  })

  it('can be synthesized without an account: nothing is looked up', () => {
    expect(stacks().missing).toEqual([])
  })

  it('are templates of a size that CloudFormation accepts', () => {
    expect(stacks().largest).toBeLessThan(TEMPLATE_LIMIT / 2)
  })

  it('can be changed separately: no stack imports a value that the other exports', () => {
    expect(text()).not.toContain('Fn::ImportValue')
  })

  it('never drop a record before it is applied: unlimited retries, partial batch responses, from the oldest record on', () => {
    // The queue of scenes is not the log.
    const mappings = properties('AWS::Lambda::EventSourceMapping').filter(({ StartingPosition }) => StartingPosition)
    expect(mappings).toHaveLength(2)
    for (const mapping of mappings) {
      expect(mapping).toMatchObject({
        StartingPosition: 'TRIM_HORIZON',
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BisectBatchOnFunctionError: true,
        ...(log === 'kinesis'
          ? // More would break the order of a lane.
            { ParallelizationFactor: 1 }
          : // Without them Kafka's mappings know no partial batch response.
            { ProvisionedPollerConfig: { MinimumPollers: 1 } }),
      })
      for (const limit of ['MaximumRetryAttempts', 'MaximumRecordAgeInSeconds', 'DestinationConfig'])
        expect(mapping).not.toHaveProperty(limit)
    }
  })

  it('never restore an old cursor, and never expire one', () => {
    const tables = properties('AWS::Cassandra::Table')
    expect(tables.map(({ TableName }) => TableName)).toEqual(stage === 'local' ? [] : TABLES.map(({ name }) => name))
    for (const table of tables) {
      expect(table).not.toHaveProperty('PointInTimeRecoveryEnabled')
      const { ttlSeconds } = TABLES.find(({ name }) => name === table.TableName) as (typeof TABLES)[number]
      expect(table.DefaultTimeToLive ?? null).toBe(ttlSeconds)
    }
    const cursor = tables.find(({ TableName }) => TableName === 'lane_cursor')
    if (cursor) expect(cursor).not.toHaveProperty('DefaultTimeToLive')
  })

  if (stage === 'prod')
    it('keep resources with data when they are destroyed, but not after a first deployment that failed', () => {
      const logTypes = log === 'kinesis' ? ['AWS::Kinesis::Stream'] : ['AWS::MSK::Cluster', 'AWS::MSK::Topic']
      for (const type of [...logTypes, 'AWS::Cassandra::Keyspace', 'AWS::Cassandra::Table']) {
        expect(all(type).length).toBeGreaterThan(0)
        for (const { DeletionPolicy } of all(type)) expect(DeletionPolicy, type).toBe('RetainExceptOnCreate')
      }
      const objects = all('AWS::S3::Bucket').find(
        ({ Properties }) => JSON.stringify(Properties).includes('noncurrent') || Properties.VersioningConfiguration,
      )
      expect(objects?.DeletionPolicy).toBe('RetainExceptOnCreate')
    })

  if (stage !== 'prod')
    it('leave nothing when they are destroyed', () => {
      const kept = stacks()
        .resources.entries()
        .filter(([, { DeletionPolicy }]) => DeletionPolicy?.startsWith('Retain'))
        .map(([id]) => id)
        .toArray()
      // API Gateway's role for logs belongs to the account.
      expect(kept.filter(id => !/^FrontApi(CloudWatchRole|Account)/.test(id))).toEqual([])
    })

  it('run every function on Node 24, with logs that expire', () => {
    const ours = properties('AWS::Lambda::Function').filter(({ FunctionName }) => FunctionName)
    const names = functionsOf({ images }).map(name => `landcover-${stage}-${name}`)
    expect(ours.map(({ FunctionName }) => FunctionName).sort()).toEqual(names.sort())
    for (const each of ours) {
      expect(each).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' })
      expect(each).toHaveProperty('LoggingConfig.LogGroup')
      // Reserved concurrency would be taken from all other functions of the account.
      expect(each).not.toHaveProperty('ReservedConcurrentExecutions')
    }
    for (const log of properties('AWS::Logs::LogGroup')) expect(log).toHaveProperty('RetentionInDays')
  })

  it('have no secrets in the environment of a function', () => {
    for (const { Environment } of properties('AWS::Lambda::Function')) {
      // The name of a secret is not a secret, nor is that of the field that has it.
      const variables = JSON.stringify(Environment ?? {})
        .replaceAll(/arn:aws:secretsmanager:[\w:/#-]+/g, 'ARN')
        .replaceAll(/"(secret|password)\\":\\"ARN/g, 'ARN')
      expect(variables).not.toMatch(/secret|password|token|resolve:/i)
    }
  })

  it('keep every bucket private, encrypted and accessible only over TLS', () => {
    const buckets = all('AWS::S3::Bucket')
    for (const { Properties } of buckets) {
      expect(Properties).toHaveProperty('BucketEncryption')
      expect(Properties.PublicAccessBlockConfiguration).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      })
    }
    const policies = properties('AWS::S3::BucketPolicy').map(policy => JSON.stringify(policy))
    expect(policies.filter(policy => policy.includes('"aws:SecureTransport":"false"'))).toHaveLength(buckets.length)
  })

  it('log the errors of every execution of the API, also of events', () => {
    const settings = properties('AWS::ApiGateway::Stage').flatMap(({ MethodSettings }) => MethodSettings as object[])
    // All methods; sending; decisions; HEAD; and preflights.
    expect(settings).toHaveLength(allowedOrigins.length > 0 ? 5 : 4)
    for (const setting of settings) expect(setting).toMatchObject({ LoggingLevel: 'ERROR' })
  })

  if (stage !== 'local')
    it.each([
      ['landcover_aggregates', AGGREGATES.sql, AGGREGATES.columns],
      ['landcover_days', DAYS.sql, DAYS.columns],
    ])('have %s as a table of all revisions, and as a SQL view of the newest one', (name, sql, columns) => {
      const tables = properties('AWS::Glue::Table').map(({ TableInput }) => TableInput as Record<string, unknown>)
      const [all, newest] = [`${name}_all`, name].map(wanted => tables.find(({ Name }) => Name === wanted))
      expect(all).toMatchObject({
        TableType: 'EXTERNAL_TABLE',
        StorageDescriptor: { Location: `s3://landcover-${stage}-123456789012-eu-central-1/${name}/` },
      })
      expect(newest).toMatchObject({ TableType: 'VIRTUAL_VIEW', Parameters: { presto_view: 'true' } })
      const [, base64 = ''] = /^\/\* Presto View: (\S+) \*\/$/.exec(String(newest?.ViewOriginalText)) ?? []
      const definition = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'))
      expect(definition).toMatchObject({ originalSql: sql, schema: `landcover_${stage}` })
      expect(definition.columns.map((column: { name: string }) => column.name)).toEqual(columns.map(each => each.name))
    })

  it('do not repeat a call of a schedule: the next one comes soon', () => {
    const schedules = properties('AWS::Scheduler::Schedule')
    // A heartbeat, a batch run, telling, and the workers of compaction.
    const workers = { local: 0, dev: 1, prod: 2 }[stage]
    expect(schedules).toHaveLength(stage === 'local' ? 0 : 3 + workers)
    const shares = schedules.flatMap(({ Target }) => {
      const { Input = '{}' } = Target as { Input?: string }
      const share = JSON.parse(Input) as { index?: number; of?: number }
      return share.of === undefined ? [] : [share]
    })
    expect(shares).toEqual(Array.from({ length: workers }, (_, index) => ({ index, of: workers })))
    for (const schedule of schedules) expect(schedule).toHaveProperty('GroupName')
    const calls = properties('AWS::Lambda::EventInvokeConfig')
    expect(calls).toHaveLength(stage === 'local' ? 0 : 3)
    for (const call of calls) expect(call.MaximumRetryAttempts).toBe(0)
  })

  it('keep every failed call of a schedule in a queue: one that could not start, and one that failed', () => {
    // The queues of scenes are others.
    const queues = all('AWS::SQS::Queue').filter(({ Properties }) => !/-scenes/.test(String(Properties.QueueName)))
    expect(queues).toHaveLength(stage === 'local' ? 0 : 1)
    const toQueue = (target: unknown) => JSON.stringify(target).includes('ScheduledFailed')
    for (const { Target } of properties('AWS::Scheduler::Schedule')) {
      expect(toQueue((Target as { DeadLetterConfig?: object }).DeadLetterConfig)).toBe(true)
    }
    for (const { DestinationConfig } of properties('AWS::Lambda::EventInvokeConfig')) {
      expect(toQueue((DestinationConfig as { OnFailure?: object }).OnFailure)).toBe(true)
    }
    for (const { Properties } of queues) expect(Properties.SqsManagedSseEnabled).toBe(true)
  })

  it('have saved queries for logs and for data, of the log groups and the work group that are there', () => {
    const groups = properties('AWS::Logs::LogGroup').map(({ LogGroupName }) => LogGroupName)
    const ofLogs = properties('AWS::Logs::QueryDefinition')
    expect(ofLogs).toHaveLength(LOG_QUERIES.length)
    for (const { LogGroupNames } of ofLogs) expect(groups).toEqual(expect.arrayContaining(LogGroupNames as string[]))
    const ofData = properties('AWS::Athena::NamedQuery')
    expect(ofData).toHaveLength(stage === 'local' ? 0 : SAVED_QUERIES.length)
    const [workGroup] = properties('AWS::Athena::WorkGroup').map(({ Name }) => Name)
    for (const query of ofData) expect(query).toMatchObject({ WorkGroup: workGroup, Database: `landcover_${stage}` })
  })

  it('use no metric for each lane, which would be billed separately', () => {
    for (const alarm of properties('AWS::CloudWatch::Alarm')) {
      expect(JSON.stringify(alarm.Dimensions ?? [])).not.toMatch(/lane|shard/i)
    }
  })

  it('let CloudWatch and Budgets publish to the topics', () => {
    const senders = properties('AWS::SNS::TopicPolicy').flatMap(({ PolicyDocument }) => {
      const { Statement } = PolicyDocument as { Statement: { Effect: string; Principal: { Service?: string } }[] }
      return Statement.flatMap(({ Effect, Principal }) => (Effect === 'Allow' ? [Principal.Service] : []))
    })
    const fromEdge = stage === 'local' ? [] : ['budgets.amazonaws.com', 'cloudwatch.amazonaws.com']
    expect(senders.sort()).toEqual([...fromEdge, 'cloudwatch.amazonaws.com'].sort())
  })

  it('send every alarm to a topic, and its end, too', () => {
    const alarms = properties('AWS::CloudWatch::Alarm')
    expect(alarms.length).toBeGreaterThan(10)
    for (const alarm of alarms) {
      expect(alarm.AlarmActions).toHaveLength(1)
      expect(alarm.OKActions).toEqual(alarm.AlarmActions)
      expect(String(alarm.AlarmDescription).length).toBeGreaterThan(20)
    }
  })

  it('allow each function only what it does', () => {
    expect(allowed(stacks())).toMatchSnapshot()
  })
})

/** Permissions: function → service → actions with their resources. */
function allowed({ resources }: Synthesized): Record<string, string[]> {
  const statements: Record<string, string[]> = {}
  for (const [id, { Type, Properties }] of resources) {
    if (
      Type !== 'AWS::IAM::Policy' ||
      !/^(Speed|Archive|Heartbeat|Batch|Compaction|Notifier|FrontServing|FrontIngest|FrontDecisions)Role/.test(id)
    )
      continue
    const document = Properties.PolicyDocument as { Statement: { Action: string | string[]; Resource: unknown }[] }
    statements[id.replace(/Role.*/, '')] = document.Statement.map(
      ({ Action, Resource }) => `${[Action].flat().join(', ')} on ${[Resource].flat().map(resourceText).join(', ')}`,
    )
  }
  return statements
}

function resourceText(resource: unknown): string {
  if (typeof resource === 'string') return resource
  const [id] = JSON.stringify(resource).match(/(?<="Fn::GetAtt":\[")\w+/) ?? [JSON.stringify(resource)]
  return `<${id}>`
}
