import { ArnFormat, Duration, Fn, Stack } from 'aws-cdk-lib'
import { type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { CfnStreamConsumer } from 'aws-cdk-lib/aws-kinesis'
import {
  type CfnFunction,
  EventSourceMapping,
  type EventSourceMappingProps,
  type Function as LambdaFunction,
  MetricType,
  SourceAccessConfigurationType,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import type { Construct } from 'constructs'
import { LOG_METADATA_PREFIX } from '../../functions/adapters/published-log-metadata.ts'
import { KEY_ROUTE_PREFIX } from '../../functions/ingest/key-route.ts'
import type { Variables } from '../../functions/runtime/aws/variables.ts'
import type { Batching } from '../../functions/runtime/batching.ts'
import type { Names } from '../names.ts'
import type { KafkaNetwork, Stage } from '../stages.ts'
import type { Grants } from './grants.ts'
import { diskAlarm, type LogAlarm, streamAlarms } from './log-alarms.ts'
import { manyResources, suppressNag } from './nag-suppressions.ts'

/** Part of the log's metadata that a function reads: see LogMetadata of the ports. */
type MetadataNeed = 'identity' | 'lanes' | 'lag'

/** Access of a stage's functions to its event log. */
export interface EventLogAccess {
  /** Lets the ingest function append to the log, and keep the route of keys if the log does not. */
  allowIngest(fn: LambdaFunction): void
  /** Lets the heartbeat function append to the log, and publish the log's metadata if others cannot reach the log. */
  allowHeartbeats(fn: LambdaFunction): void
  /** Lets a function read the log's metadata. */
  allowLogMetadata(fn: LambdaFunction, needs: MetadataNeed): void
  /** Makes the log deliver its records to a function. */
  consume(scope: Construct, target: LambdaFunction, batching: Batching): EventSourceMapping
  /** Metric that grows while a consumer does not keep up, with the threshold and description of its alarm. */
  lagAlarm(consumer: LambdaFunction): { metric: IMetric; threshold: number; description: string }
  /** Alarms of the log itself. */
  moreAlarms(): LogAlarm[]
}

/** Settings of all event source mappings. Each record is delivered in order, again and again until it is done. */
const CONSUMED: Partial<EventSourceMappingProps> = {
  startingPosition: StartingPosition.TRIM_HORIZON,
  // While the store is down, a lane waits. Nothing is lost while the log keeps the records. There is no failure
  // destination: it would remove a record after some tries.
  reportBatchItemFailures: true,
  bisectBatchOnError: true,
  metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
}

/** Sets the size of deliveries. Without a window, mappings for Kafka wait half a second; windows are whole seconds. */
function sizeOf({
  batchSize,
  batchingWindowMs,
}: Batching): Pick<EventSourceMappingProps, 'batchSize' | 'maxBatchingWindow'> {
  const seconds = batchingWindowMs === 0 ? 0 : Math.max(1, Math.floor(batchingWindowMs / 1000))
  return { batchSize, maxBatchingWindow: Duration.seconds(seconds) }
}

const FIVE_MINUTES = Duration.minutes(5)

/** Access to the event log of a stage, for its kind of log. */
export function eventLogAccess(scope: Construct, stage: Stage, names: Names, grants: Grants): EventLogAccess {
  const { eventLog } = stage
  switch (eventLog.kind) {
    case 'kinesis':
      return new KinesisAccess(Stack.of(scope), stage, names.stream, eventLog.enhancedFanOut)
    case 'msk':
      return new KafkaAccess(stage, grants, mskSource(scope, names, eventLog.brokers), [
        diskAlarm(names.cluster, eventLog.brokers),
      ])
    case 'kafka':
      return new KafkaAccess(stage, grants, ownKafkaSource(eventLog), [])
  }
}

function setVariables(fn: LambdaFunction, variables: Partial<Variables>): void {
  for (const [name, value] of Object.entries(variables)) fn.addEnvironment(name, value)
}

const KINESIS_METADATA_ACTIONS: Record<MetadataNeed, string[]> = {
  identity: ['kinesis:DescribeStreamSummary', 'kinesis:ListShards'],
  lanes: ['kinesis:DescribeStreamSummary', 'kinesis:ListShards'],
  lag: ['kinesis:DescribeStreamSummary', 'kinesis:ListShards', 'kinesis:GetShardIterator', 'kinesis:GetRecords'],
}

class KinesisAccess implements EventLogAccess {
  readonly #stage: Stage
  readonly #stream: string
  readonly #arn: string
  readonly #enhancedFanOut: boolean

  constructor(stack: Stack, stage: Stage, stream: string, enhancedFanOut: boolean) {
    this.#stage = stage
    this.#stream = stream
    this.#arn = stack.formatArn({ service: 'kinesis', resource: 'stream', resourceName: stream })
    this.#enhancedFanOut = enhancedFanOut
  }

  allowIngest(fn: LambdaFunction): void {
    this.#allowAppends(fn)
  }

  #allowAppends(fn: LambdaFunction): void {
    this.#allow(fn, ['kinesis:DescribeStreamSummary', 'kinesis:ListShards', 'kinesis:PutRecords'])
  }

  allowHeartbeats(fn: LambdaFunction): void {
    this.#allowAppends(fn)
  }

  allowLogMetadata(fn: LambdaFunction, needs: MetadataNeed): void {
    this.#allow(fn, KINESIS_METADATA_ACTIONS[needs])
  }

  consume(scope: Construct, target: LambdaFunction, batching: Batching): EventSourceMapping {
    const mapping = new EventSourceMapping(scope, 'Mapping', {
      ...CONSUMED,
      target,
      eventSourceArn: this.#enhancedFanOut ? this.#fanOut(scope, target) : this.#arn,
      ...sizeOf(batching),
      // A higher factor would break the order of records in a lane.
      parallelizationFactor: 1,
    })
    const actions = ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards']
    target.addToRolePolicy(
      new PolicyStatement({ actions: actions.map(action => `kinesis:${action}`), resources: [this.#arn] }),
    )
    return mapping
  }

  lagAlarm(consumer: LambdaFunction) {
    return {
      metric: consumer.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: FIVE_MINUTES }),
      threshold: Duration.hours(this.#stage.retentionHours).toMilliseconds() / 4,
      description: 'records wait for a quarter of the retention of the stream',
    }
  }

  moreAlarms(): LogAlarm[] {
    return streamAlarms(this.#stream)
  }

  #allow(fn: LambdaFunction, actions: string[]): void {
    setVariables(fn, { LANDCOVER_LOG: `kinesis://${this.#stream}` })
    fn.addToRolePolicy(new PolicyStatement({ actions, resources: [this.#arn] }))
  }

  #fanOut(scope: Construct, target: LambdaFunction): string {
    const consumerName = `landcover-${this.#stage.name}-${scope.node.id.toLowerCase()}`
    const streamArn = this.#arn
    const { attrConsumerArn } = new CfnStreamConsumer(scope, 'FanOut', { consumerName, streamArn })
    target.addToRolePolicy(new PolicyStatement({ actions: ['kinesis:SubscribeToShard'], resources: [attrConsumerArn] }))
    return attrConsumerArn
  }
}

/** Differences between the brokers of Amazon MSK and other brokers. */
interface KafkaSource {
  /** `HOST:PORT`, separated by commas. */
  brokers: string
  topic: string
  /** Value of LANDCOVER_LOG_LOGIN; null without login. */
  login: string | null
  /** Network of the brokers; null if they are on the internet. */
  network: KafkaNetwork | null
  /** Permissions of a function that appends. */
  appending: PolicyStatement[]
  /** Permissions of a consumer's event source mapping. */
  consuming(group: string): PolicyStatement[]
  mapping(group: string): Partial<EventSourceMappingProps>
}

/** Actions on network interfaces. They cannot be limited to resources, because interfaces have no names in advance. */
const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
  'ec2:DescribeVpcs',
  'ec2:DescribeSubnets',
  'ec2:DescribeSecurityGroups',
]

/** Alarm threshold for waiting records of a partition. Their age is not known on Kafka, so the number is arbitrary. */
const MANY_RECORDS = 100_000

/** Maximum of provisioned pollers. Partial batch responses need provisioned pollers. Both consumers share them. */
const MAX_POLLERS = 10

/**
 * Access to a log on Kafka. Only the functions that append run in the network of the brokers; beyond it they reach only
 * S3. All other functions read the log's metadata from the bucket, where the heartbeat function writes it. Event source
 * mappings deliver the records to them.
 */
class KafkaAccess implements EventLogAccess {
  readonly #stage: Stage
  readonly #grants: Grants
  readonly #source: KafkaSource

  readonly #alarms: LogAlarm[]

  constructor(stage: Stage, grants: Grants, source: KafkaSource, alarms: LogAlarm[]) {
    this.#stage = stage
    this.#grants = grants
    this.#source = source
    this.#alarms = alarms
  }

  allowIngest(fn: LambdaFunction): void {
    this.#allowAppends(fn)
    this.#grants.readObjects(fn, `${KEY_ROUTE_PREFIX}*`)
    this.#grants.writeObjects(fn, `${KEY_ROUTE_PREFIX}*`)
  }

  #allowAppends(fn: LambdaFunction): void {
    const { brokers, topic, login, network, appending } = this.#source
    setVariables(fn, { LANDCOVER_LOG: `kafka://${brokers}/${topic}`, ...(login && { LANDCOVER_LOG_LOGIN: login }) })
    for (const statement of appending) fn.addToRolePolicy(statement)
    if (!network) return
    const { subnetIds, securityGroupId } = network
    const resource = fn.node.defaultChild as CfnFunction
    resource.vpcConfig = { subnetIds, securityGroupIds: [securityGroupId] }
    allowInterfaces(fn)
  }

  allowHeartbeats(fn: LambdaFunction): void {
    this.#allowAppends(fn)
    setVariables(fn, { LANDCOVER_BUCKET: this.#grants.bucket })
    this.#grants.readObjects(fn, `${LOG_METADATA_PREFIX}*`)
    this.#grants.writeObjects(fn, `${LOG_METADATA_PREFIX}*`)
  }

  allowLogMetadata(fn: LambdaFunction): void {
    this.#grants.readObjects(fn, `${LOG_METADATA_PREFIX}*`)
  }

  consume(scope: Construct, target: LambdaFunction, batching: Batching): EventSourceMapping {
    const { topic, network, consuming, mapping } = this.#source
    const name = `landcover-${this.#stage.name}`
    const group = `${name}-${scope.node.id.toLowerCase()}`
    for (const statement of consuming(group)) target.addToRolePolicy(statement)
    if (network) allowInterfaces(target)
    return new EventSourceMapping(scope, 'Mapping', {
      ...CONSUMED,
      ...mapping(group),
      target,
      kafkaTopic: topic,
      kafkaConsumerGroupId: group,
      ...sizeOf(batching),
      provisionedPollerConfig: { minimumPollers: 1, maximumPollers: MAX_POLLERS, pollerGroupName: name },
    })
  }

  lagAlarm(consumer: LambdaFunction) {
    return {
      metric: consumer.metric('OffsetLag', { statistic: Stats.MAXIMUM, period: FIVE_MINUTES }),
      threshold: MANY_RECORDS,
      description: 'many records wait in a partition',
    }
  }

  moreAlarms(): LogAlarm[] {
    return this.#alarms
  }
}

function allowInterfaces(fn: LambdaFunction): void {
  fn.addToRolePolicy(new PolicyStatement({ actions: NETWORK_ACTIONS, resources: ['*'] }))
  const why = 'Lambda creates network interfaces in the network of the brokers. EC2 has no names for them in advance.'
  suppressNag(fn.role as IRole, why, manyResources('*'))
}

/** Source for the cluster of infra/constructs/msk.ts. The other stack writes its ARN and addresses to parameters. */
function mskSource(scope: Construct, names: Names, brokerCount: number): KafkaSource {
  const parameter = (name: keyof MskParameters) =>
    StringParameter.valueForStringParameter(scope, `${names.logParameters}/${name}`)
  const clusterArn = parameter('cluster')
  const [topic, stack] = [names.topic, Stack.of(scope)]
  const clusterId = Fn.select(2, Fn.split('/', clusterArn))
  const within = (resource: string, name: string) =>
    stack.formatArn({
      service: 'kafka',
      resource,
      resourceName: `${names.cluster}/${clusterId}/${name}`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    })
  const connecting = new PolicyStatement({ actions: ['kafka-cluster:Connect'], resources: [clusterArn] })
  const describing = ['kafka-cluster:DescribeTopic', 'kafka-cluster:DescribeTopicDynamicConfiguration']
  const onTopic = (...actions: string[]) =>
    new PolicyStatement({ actions: [...describing, ...actions], resources: [within('topic', topic)] })
  return {
    brokers: parameter('brokers'),
    topic,
    login: 'iam',
    network: {
      subnetIds: Fn.split(',', parameter('subnets'), brokerCount),
      securityGroupId: parameter('securityGroup'),
    },
    appending: [connecting, onTopic('kafka-cluster:WriteData')],
    consuming: group => [
      connecting,
      onTopic('kafka-cluster:ReadData'),
      new PolicyStatement({
        actions: ['kafka-cluster:DescribeGroup', 'kafka-cluster:AlterGroup'],
        resources: [within('group', group)],
      }),
      new PolicyStatement({
        actions: [
          'kafka:DescribeCluster',
          'kafka:DescribeClusterV2',
          'kafka-cluster:DescribeClusterDynamicConfiguration',
        ],
        resources: [clusterArn],
      }),
      // IAM knows no resource for this action.
      new PolicyStatement({ actions: ['kafka:GetBootstrapBrokers'], resources: ['*'] }),
    ],
    mapping: () => ({ eventSourceArn: clusterArn }),
  }
}

/** Parameters that the stack with the brokers writes for the other stack. */
export interface MskParameters {
  cluster: string
  brokers: string
  subnets: string
  securityGroup: string
}

function ownKafkaSource({
  brokers,
  topic,
  secretArn,
  network,
}: Extract<Stage['eventLog'], { kind: 'kafka' }>): KafkaSource {
  const reading = secretArn
    ? [new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secretArn] })]
    : []
  const { VPC_SUBNET, VPC_SECURITY_GROUP, SASL_SCRAM_512_AUTH } = SourceAccessConfigurationType
  const accessConfigurations = [
    ...(secretArn ? [{ type: SASL_SCRAM_512_AUTH, uri: secretArn }] : []),
    ...(network?.subnetIds ?? []).map(subnet => ({ type: VPC_SUBNET, uri: `subnet:${subnet}` })),
    ...(network ? [{ type: VPC_SECURITY_GROUP, uri: `security_group:${network.securityGroupId}` }] : []),
  ]
  return {
    brokers: brokers.join(','),
    topic,
    login: secretArn,
    network,
    appending: reading,
    consuming: () => reading,
    mapping: () => ({ kafkaBootstrapServers: brokers, sourceAccessConfigurations: accessConfigurations }),
  }
}
