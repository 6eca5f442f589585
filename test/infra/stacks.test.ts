import { beforeAll, describe, expect, it } from 'vitest'
import { producersToText } from '../../functions/adapters/row-encoding/row-encoding.ts'
import { TABLES } from '../../functions/adapters/row-encoding/tables.ts'
import { AGGREGATES_COLUMNS, AGGREGATES_SQL } from '../../functions/batch/aggregates-table.ts'
import { rememberedMs } from '../../functions/core/slot.ts'
import { SECOND_MS } from '../../functions/core/time.ts'
import { READ_ONLY_CORS } from '../../functions/http/cors.ts'
import { FUNCTIONS } from '../../infra/constructs/bundles.ts'
import { LOG_QUERIES } from '../../infra/constructs/log-queries.ts'
import { SAVED_QUERIES } from '../../infra/constructs/saved-queries.ts'
import type { Stage } from '../../infra/stages.ts'
import { hasNjs, inCloudFront } from '../support/cloudfront-runtime.ts'
import { DEPLOYMENTS, type Deployment, type Resource, type StageName } from './deployments.ts'
import { type Synthesized, synthesized } from './synthesized.ts'

interface Throttle {
  HttpMethod: string
  ResourcePath: string
  ThrottlingRateLimit: number
  ThrottlingBurstLimit: number
}

const READS = ['GET', 'HEAD']
/** Maximum size of a row in Keyspaces, bytes. */
const KEYSPACES_ROW_LIMIT = 1024 ** 2
/** Maximum size of a template in CloudFormation, bytes. */
const TEMPLATE_LIMIT = 1_000_000

describe.each(Object.keys(DEPLOYMENTS) as Deployment[])('the stacks of %s', deployment => {
  const stage: StageName = DEPLOYMENTS[deployment].stage
  const { allowedOrigins = [], reads } = DEPLOYMENTS[deployment].change as Partial<Stage>
  const { access } =
    reads ??
    ({ dev: { access: 'cognito' }, prod: { access: 'allowlist' }, local: { access: 'public' } } as const)[stage]
  const signIn = access === 'cognito'
  const log = 'eventLog' in DEPLOYMENTS[deployment].change ? DEPLOYMENTS[deployment].change.eventLog.kind : 'kinesis'
  let stacks: Synthesized
  beforeAll(async () => {
    stacks = await synthesized(deployment)
  })
  const all = (type: string): Resource[] =>
    stacks.resources
      .values()
      .filter(({ Type }) => Type === type)
      .toArray()
  const properties = (type: string) => stacks.properties(type)
  const apiBehaviors = () =>
    properties('AWS::CloudFront::Distribution').flatMap(({ DistributionConfig }) => {
      const { CacheBehaviors } = DistributionConfig as { CacheBehaviors: Record<string, unknown>[] }
      return CacheBehaviors.filter(({ PathPattern }) => PathPattern === '/api/*')
    })
  /** Properties of the resources of a type in the edge stack. */
  const edge = (type: string) => stacks.edge.flatMap(([, { Type, Properties }]) => (Type === type ? [Properties] : []))
  const text = () => JSON.stringify([...stacks.resources])

  it('have no finding of cdk-nag without a reason', () => {
    expect(stacks.said).toBe('')
    expect(stacks.exitCode).toBe(0)
  })

  it('can be synthesized without an account: nothing is looked up', () => {
    expect(stacks.missing).toEqual([])
  })

  it('are templates of a size that CloudFormation accepts', () => {
    expect(stacks.largest).toBeLessThan(TEMPLATE_LIMIT / 2)
  })

  it('can be changed separately: no stack imports a value that the other exports', () => {
    expect(text()).not.toContain('Fn::ImportValue')
  })

  it('never drop a record before it is applied: unlimited retries, partial batch responses, from the oldest record on', () => {
    const mappings = properties('AWS::Lambda::EventSourceMapping')
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
      const kept = stacks.resources
        .entries()
        .filter(([, { DeletionPolicy }]) => DeletionPolicy?.startsWith('Retain'))
        .map(([id]) => id)
        .toArray()
      // API Gateway's role for logs belongs to the account.
      expect(kept.filter(id => !/^FrontApi(CloudWatchRole|Account)/.test(id))).toEqual([])
    })

  it('run every function on Node 24, with logs that expire', () => {
    const ours = properties('AWS::Lambda::Function').filter(({ FunctionName }) => FunctionName)
    const names = Object.keys(FUNCTIONS).map(name => `landcover-${stage}-${name}`)
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
      // The name of a secret is not a secret.
      const variables = JSON.stringify(Environment ?? {}).replace(/arn:aws:secretsmanager:[\w:-]+/, '')
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

  it('accept only signed events', () => {
    const methods = properties('AWS::ApiGateway::Method')
    const posts = methods.filter(({ HttpMethod }) => HttpMethod === 'POST')
    expect(posts.map(({ AuthorizationType }) => AuthorizationType)).toEqual(['AWS_IAM'])
    const asked = allowedOrigins.length > 0 ? ['OPTIONS'] : []
    expect(methods.map(({ HttpMethod }) => HttpMethod).sort()).toEqual(['GET', 'HEAD', ...asked, 'POST'])
  })

  if (stage !== 'local')
    it('cache an answer for exactly two seconds, so that a hundred dashboards cost as much as one', () => {
      const policies = properties('AWS::CloudFront::CachePolicy')
      expect(policies).toMatchObject([{ CachePolicyConfig: { MinTTL: 2, DefaultTTL: 2, MaxTTL: 2 } }])
    })

  if (allowedOrigins.length > 0) {
    it('let pages of allowed origins read, but not send, and no other origins', () => {
      const [{ ResponseHeadersPolicyConfig: policy } = {}] = properties(
        'AWS::CloudFront::ResponseHeadersPolicy',
      ).filter(({ ResponseHeadersPolicyConfig }) => (ResponseHeadersPolicyConfig as { CorsConfig?: object }).CorsConfig)
      expect(policy).toMatchObject({
        CorsConfig: {
          AccessControlAllowOrigins: { Items: allowedOrigins },
          AccessControlAllowMethods: { Items: ['GET', 'HEAD'] },
          AccessControlAllowHeaders: { Items: ['If-None-Match', ...(signIn ? ['Authorization'] : [])] },
          AccessControlExposeHeaders: { Items: READ_ONLY_CORS.exposedHeaders },
          AccessControlAllowCredentials: false,
        },
        SecurityHeadersConfig: { ContentTypeOptions: { Override: true } },
      })
      const [behavior] = apiBehaviors()
      expect(behavior?.AllowedMethods).toEqual(['GET', 'HEAD', 'OPTIONS'])
      expect(JSON.stringify(behavior?.ResponseHeadersPolicyId)).toContain('FrontApiHeaders')
    })

    it('answer preflight requests without a function or a token', () => {
      const methods = properties('AWS::ApiGateway::Method').filter(({ HttpMethod }) => HttpMethod === 'OPTIONS')
      expect(methods).toMatchObject([
        { AuthorizationType: 'NONE', Integration: { Type: 'MOCK' }, MethodResponses: [{ StatusCode: '204' }] },
      ])
    })
  }

  if (stage !== 'local' && allowedOrigins.length === 0)
    it('let no page of another origin read', () => {
      const [behavior] = apiBehaviors()
      expect(behavior?.AllowedMethods).toEqual(['GET', 'HEAD'])
      expect(text()).not.toContain('AccessControlAllow')
    })

  if (signIn) {
    it('let only people who signed in read', () => {
      const reads = properties('AWS::ApiGateway::Method').filter(({ HttpMethod }) => READS.includes(String(HttpMethod)))
      for (const read of reads) {
        expect(read).toMatchObject({ AuthorizationType: 'COGNITO_USER_POOLS', AuthorizationScopes: ['openid'] })
        expect(read).toHaveProperty('AuthorizerId')
      }
    })

    it('cache an answer only for the person who asked', () => {
      const [policy] = properties('AWS::CloudFront::CachePolicy')
      expect(policy).toMatchObject({
        CachePolicyConfig: {
          ParametersInCacheKeyAndForwardedToOrigin: { HeadersConfig: { Headers: ['Accept', 'Authorization'] } },
        },
      })
    })

    it('do not allow self sign-up, and require a second factor', () => {
      expect(properties('AWS::Cognito::UserPool')).toMatchObject([
        { AdminCreateUserConfig: { AllowAdminCreateUserOnly: true }, MfaConfiguration: 'ON' },
      ])
      expect(properties('AWS::Cognito::UserPoolClient')).toMatchObject([
        { AllowedOAuthFlows: ['code'], GenerateSecret: false, AllowedOAuthScopes: ['openid'] },
      ])
      for (const { DeletionPolicy } of all('AWS::Cognito::UserPool'))
        expect(DeletionPolicy).toBe(stage === 'prod' ? 'RetainExceptOnCreate' : 'Delete')
    })
  }

  if (stage !== 'local')
    it('let only CloudFront read: it adds a key that API Gateway requires, and nobody else has it', () => {
      const methods = properties('AWS::ApiGateway::Method').filter(({ HttpMethod }) => HttpMethod !== 'POST')
      for (const method of methods) expect(method.ApiKeyRequired).toBe(true)
      const origins = properties('AWS::CloudFront::Distribution').flatMap(
        ({ DistributionConfig }) => (DistributionConfig as { Origins: { OriginCustomHeaders?: object[] }[] }).Origins,
      )
      const headers = origins.flatMap(({ OriginCustomHeaders = [] }) => OriginCustomHeaders)
      const [key] = properties('AWS::ApiGateway::ApiKey')
      expect(headers).toEqual([{ HeaderName: 'x-api-key', HeaderValue: key?.Value }])
      expect(JSON.stringify(key?.Value)).toContain('resolve:secretsmanager')
      const used = properties('AWS::ApiGateway::UsagePlanKey')
      expect(used).toMatchObject([{ KeyType: 'API_KEY' }])
      expect(properties('AWS::CloudFront::Function')).toHaveLength(access === 'allowlist' ? 1 : 0)
    })

  it('accept only as many requests as a cursor can remember: a larger row would stop its lane', () => {
    const settings = properties('AWS::ApiGateway::Stage').flatMap(({ MethodSettings }) => MethodSettings as Throttle[])
    const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = settings.find(
      ({ HttpMethod, ResourcePath }) => HttpMethod === 'POST' && ResourcePath === '/~1api~1events',
    ) as Throttle
    const [slotMs] = text().match(/(?<="LANDCOVER_SLOT_MS":")\d+/) ?? []
    const count = Math.ceil((rate * rememberedMs(Number(slotMs))) / SECOND_MS) + burst
    const seen = [{ counter: 1, slot: Date.now() }]
    const known = new Map(Array.from({ length: count }, (_, at) => [`api-${String(at).padStart(16, '0')}`, seen]))
    expect(rate).toBeGreaterThanOrEqual(1)
    expect(Buffer.byteLength(producersToText(known))).toBeLessThan(0.9 * KEYSPACES_ROW_LIMIT)
  })

  it('log the errors of every execution of the API, also of events', () => {
    const settings = properties('AWS::ApiGateway::Stage').flatMap(({ MethodSettings }) => MethodSettings as object[])
    // All methods; sending; HEAD; and preflights.
    expect(settings).toHaveLength(allowedOrigins.length > 0 ? 4 : 3)
    for (const setting of settings) expect(setting).toMatchObject({ LoggingLevel: 'ERROR' })
  })

  if (stage !== 'local') {
    it('have a name in every region for what is unique in an account, so that two regions can have the same stage', () => {
      const named = [
        ...properties('AWS::CloudFront::CachePolicy').map(each => (each.CachePolicyConfig as { Name: string }).Name),
        ...properties('AWS::CloudFront::ResponseHeadersPolicy').map(
          each => (each.ResponseHeadersPolicyConfig as { Name: string }).Name,
        ),
        ...properties('AWS::CloudFront::Function').map(({ Name }) => Name),
        ...properties('AWS::Budgets::Budget').map(({ Budget }) => (Budget as { BudgetName: string }).BudgetName),
        ...edge('AWS::CloudWatch::Alarm').map(({ AlarmName }) => AlarmName),
        ...edge('AWS::SNS::Topic').map(({ TopicName }) => TopicName),
        ...edge('AWS::Logs::DeliverySource').map(({ Name }) => Name),
        ...edge('AWS::Logs::DeliveryDestination').map(({ Name }) => Name),
      ]
      expect(named.length).toBeGreaterThan(6)
      for (const name of named) expect(name).toContain('eu-central-1')
    })

    it('have the budget, the alarms and the logs of CloudFront in us-east-1, the only region that has them', () => {
      for (const type of ['AWS::Budgets::Budget', 'AWS::Logs::DeliverySource', 'AWS::Logs::Delivery']) {
        expect(properties(type), type).toHaveLength(1)
        expect(edge(type), type).toHaveLength(1)
      }
      const ofCloudFront = properties('AWS::CloudWatch::Alarm').filter(
        ({ Namespace }) => Namespace === 'AWS/CloudFront',
      )
      expect(ofCloudFront).toHaveLength(access === 'allowlist' ? 6 : 3)
      expect(edge('AWS::CloudWatch::Alarm')).toEqual(ofCloudFront)
      for (const alarm of ofCloudFront) {
        expect(alarm.Dimensions).toContainEqual({ Name: 'Region', Value: 'Global' })
      }
    })

    it('watch the CloudFront function by its name', () => {
      const [name] = properties('AWS::CloudFront::Function').map(({ Name }) => Name)
      const watched = edge('AWS::CloudWatch::Alarm').flatMap(({ Dimensions }) =>
        (Dimensions as { Name: string; Value: unknown }[]).flatMap(({ Name, Value }) =>
          Name === 'FunctionName' ? [Value] : [],
        ),
      )
      expect(new Set(watched)).toEqual(new Set(name ? [name] : []))
    })

    it('tell of half, four fifths and all of the budget, and of a forecast above it', () => {
      const told = properties('AWS::Budgets::Budget').flatMap(({ NotificationsWithSubscribers }) =>
        (NotificationsWithSubscribers as { Notification: object }[]).map(({ Notification }) => Notification),
      )
      expect(told).toMatchObject([
        { NotificationType: 'ACTUAL', Threshold: 50 },
        { NotificationType: 'ACTUAL', Threshold: 80 },
        { NotificationType: 'ACTUAL', Threshold: 100 },
        { NotificationType: 'FORECASTED', Threshold: 100 },
      ])
    })

    it('let browsers keep the files whose names hold a hash, and ask for the page each time', () => {
      const copies = properties('Custom::CDKBucketDeployment')
      const [assets, page] = [copies.find(({ Prune }) => Prune === false), copies.find(({ Prune }) => Prune !== false)]
      expect(assets?.SystemMetadata).toEqual({ 'cache-control': 'public, max-age=31536000, immutable' })
      expect(page).toMatchObject({ SystemMetadata: { 'cache-control': 'no-cache' }, Exclude: ['assets/*'] })
    })
  }

  if (access === 'allowlist')
    it.runIf(hasNjs || process.env.CI !== undefined)('have CloudFront functions that run in its njs', () => {
      const functions = properties('AWS::CloudFront::Function')
      expect(functions).toHaveLength(1)
      const seen = (ip: string) => ({ viewer: { ip }, request: { uri: '/' } })
      for (const { FunctionCode } of functions) {
        const [inside, outside] = inCloudFront(String(FunctionCode), [seen('192.0.2.9'), seen('198.51.100.1')])
        expect(inside).toEqual({ uri: '/' })
        expect(outside).toMatchObject({ statusCode: 403 })
      }
    })

  if (stage !== 'local')
    it('have the batch view as a table of all revisions, and as a SQL view of the newest one', () => {
      const tables = properties('AWS::Glue::Table').map(({ TableInput }) => TableInput as Record<string, unknown>)
      const [all, newest] = ['landcover_aggregates_all', 'landcover_aggregates'].map(wanted =>
        tables.find(({ Name }) => Name === wanted),
      )
      expect(all).toMatchObject({
        TableType: 'EXTERNAL_TABLE',
        StorageDescriptor: { Location: `s3://landcover-${stage}-123456789012-eu-central-1/landcover_aggregates/` },
      })
      expect(newest).toMatchObject({ TableType: 'VIRTUAL_VIEW', Parameters: { presto_view: 'true' } })
      const [, base64 = ''] = /^\/\* Presto View: (\S+) \*\/$/.exec(String(newest?.ViewOriginalText)) ?? []
      const definition = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'))
      expect(definition).toMatchObject({ originalSql: AGGREGATES_SQL, schema: `landcover_${stage}` })
      expect(definition.columns.map(({ name }: { name: string }) => name)).toEqual(
        AGGREGATES_COLUMNS.map(({ name }) => name),
      )
    })

  it('repeat no call of a schedule: the next one comes soon', () => {
    const schedules = properties('AWS::Scheduler::Schedule')
    // A heartbeat, a batch run, and the workers of compaction.
    const workers = { local: 0, dev: 1, prod: 2 }[stage]
    expect(schedules).toHaveLength(stage === 'local' ? 0 : 2 + workers)
    const shares = schedules.flatMap(({ Target }) => {
      const { Input = '{}' } = Target as { Input?: string }
      const share = JSON.parse(Input) as { index?: number; of?: number }
      return share.of === undefined ? [] : [share]
    })
    expect(shares).toEqual(Array.from({ length: workers }, (_, index) => ({ index, of: workers })))
    for (const schedule of schedules) expect(schedule).toHaveProperty('GroupName')
    const calls = properties('AWS::Lambda::EventInvokeConfig')
    expect(calls).toHaveLength(stage === 'local' ? 0 : 2)
    for (const call of calls) expect(call.MaximumRetryAttempts).toBe(0)
  })

  it('keep every failed call of a schedule in a queue: one that could not start, and one that failed', () => {
    const queues = all('AWS::SQS::Queue')
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

  if (log === 'msk') {
    it('have disks that no load fills, with an alarm for each broker', () => {
      const [cluster] = properties('AWS::MSK::Cluster')
      const [topic] = properties('AWS::MSK::Topic')
      const configs = JSON.parse(Buffer.from(String(topic?.Configs), 'base64').toString('utf8'))
      const { BrokerNodeGroupInfo } = cluster as {
        BrokerNodeGroupInfo: { StorageInfo: { EBSStorageInfo: { VolumeSize: number } } }
      }
      const kept =
        Number(topic?.PartitionCount) * (Number(configs['retention.bytes']) + Number(configs['segment.bytes']))
      expect(kept).toBeLessThanOrEqual(0.8 * BrokerNodeGroupInfo.StorageInfo.EBSStorageInfo.VolumeSize * 1024 ** 3)
      const alarm = properties('AWS::CloudWatch::Alarm').find(({ AlarmName }) =>
        String(AlarmName).endsWith('BrokerDiskFull'),
      )
      expect(JSON.stringify(alarm).match(/"Broker ID"/g)).toHaveLength(Number(cluster?.NumberOfBrokerNodes))
    })

    it('keep acknowledged records on at least two brokers; with two brokers, on one while the other is down', () => {
      const [cluster] = properties('AWS::MSK::Cluster')
      const [topic] = properties('AWS::MSK::Topic')
      expect(topic?.ReplicationFactor).toBe(cluster?.NumberOfBrokerNodes)
      const configs = JSON.parse(Buffer.from(String(topic?.Configs), 'base64').toString('utf8'))
      expect(configs['min.insync.replicas']).toBe(String(Number(topic?.ReplicationFactor) - 1))
      const [{ ServerProperties } = {}] = properties('AWS::MSK::Configuration')
      expect(JSON.stringify(ServerProperties)).toContain('unclean.leader.election.enable=false')
    })

    it('stamp records with their arrival time, which decides their slot', () => {
      const [topic] = properties('AWS::MSK::Topic')
      const configs = JSON.parse(Buffer.from(String(topic?.Configs), 'base64').toString('utf8'))
      expect(configs['message.timestamp.type']).toBe('LogAppendTime')
    })

    it('require a login, and have no route out of the network', () => {
      expect(properties('AWS::MSK::Cluster')).toMatchObject([
        {
          ClientAuthentication: { Sasl: { Iam: { Enabled: true } }, Unauthenticated: { Enabled: false } },
          EncryptionInfo: { EncryptionInTransit: { ClientBroker: 'TLS', InCluster: true } },
        },
      ])
      for (const type of ['AWS::EC2::InternetGateway', 'AWS::EC2::NatGateway']) expect(all(type)).toEqual([])
    })
  }

  if (log !== 'kinesis')
    it('have only functions that append in the network of the brokers', () => {
      const inside = properties('AWS::Lambda::Function').filter(({ VpcConfig }) => VpcConfig)
      expect(inside.map(({ FunctionName }) => FunctionName).sort()).toEqual(
        ['heartbeat', 'ingest'].map(name => `landcover-${stage}-${name}`),
      )
    })

  it('use no metric for each lane, which would be billed separately', () => {
    for (const alarm of properties('AWS::CloudWatch::Alarm')) {
      expect(JSON.stringify(alarm.Dimensions ?? [])).not.toMatch(/lane|shard/i)
    }
  })

  it('let CloudWatch and EventBridge publish to the topics', () => {
    const senders = properties('AWS::SNS::TopicPolicy').flatMap(({ PolicyDocument }) => {
      const { Statement } = PolicyDocument as { Statement: { Effect: string; Principal: { Service?: string } }[] }
      return Statement.flatMap(({ Effect, Principal }) => (Effect === 'Allow' ? [Principal.Service] : []))
    })
    const fromEdge = stage === 'local' ? [] : ['budgets.amazonaws.com', 'cloudwatch.amazonaws.com']
    expect(senders.sort()).toEqual([...fromEdge, 'cloudwatch.amazonaws.com', 'events.amazonaws.com'].sort())
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
    expect(allowed(stacks)).toMatchSnapshot()
  })
})

/** Permissions: function → service → actions with their resources. */
function allowed({ resources }: Synthesized): Record<string, string[]> {
  const statements: Record<string, string[]> = {}
  for (const [id, { Type, Properties }] of resources) {
    if (
      Type !== 'AWS::IAM::Policy' ||
      !/^(Speed|Archive|Heartbeat|Batch|Compaction|FrontServing|FrontIngest)Role/.test(id)
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
