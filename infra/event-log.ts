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
import { OUTLINE_PREFIX } from '../functions/adapters/published-outline.ts'
import type { Variables } from '../functions/homes/aws/variables.ts'
import type { Access } from './access.ts'
import { acknowledge, manyResources } from './acknowledged.ts'
import type { Names } from './names.ts'
import type { KafkaNetwork, Stage } from './stages.ts'

/** What a function must know of the log when it is handed its records, if it is: see LogOutline of the ports. */
type Outline = 'identity' | 'lanes' | 'lag'

interface Batches {
  batchSize: number
  window: Duration
}

/** How the functions of a stage come to its event log. */
export interface EventLogAccess {
  /** For a function that appends to the log. */
  connect(who: LambdaFunction): void
  /** For the function that sends the heartbeats. */
  connectHeartbeat(who: LambdaFunction): void
  /** For a function that reads and writes nothing of it. */
  tellOutline(who: LambdaFunction, needs: Outline): void
  consume(scope: Construct, target: LambdaFunction, batches: Batches): EventSourceMapping
  /** Grows while a consumer does not keep up: above the threshold people must know. */
  behind(consumer: LambdaFunction): { metric: IMetric; threshold: number; means: string }
}

/** What all mappings have in common, so that each record comes in its order until it is done. */
const CONSUMED: Partial<EventSourceMappingProps> = {
  startingPosition: StartingPosition.TRIM_HORIZON,
  // An outage of the store holds a lane up, and loses nothing for as long as the log keeps it. There is no failure
  // destination, which would take a record away after some tries.
  reportBatchItemFailures: true,
  bisectBatchOnError: true,
  metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
}

const FIVE_MINUTES = Duration.minutes(5)

export function eventLogAccess(scope: Construct, stage: Stage, names: Names, access: Access): EventLogAccess {
  const { eventLog } = stage
  switch (eventLog.kind) {
    case 'kinesis':
      return new KinesisAccess(Stack.of(scope), stage, names.stream, eventLog.enhancedFanOut)
    case 'msk':
      return new KafkaAccess(stage, access, mskSource(scope, names, eventLog.brokers))
    case 'kafka':
      return new KafkaAccess(stage, access, ownKafkaSource(eventLog))
  }
}

function tell(who: LambdaFunction, variables: Partial<Variables>): void {
  for (const [name, value] of Object.entries(variables)) who.addEnvironment(name, value)
}

const KINESIS_OUTLINE: Record<Outline, string[]> = {
  identity: ['kinesis:DescribeStreamSummary'],
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

  connect(who: LambdaFunction): void {
    this.#allow(who, ['kinesis:DescribeStreamSummary', 'kinesis:ListShards', 'kinesis:PutRecords'])
  }

  connectHeartbeat(who: LambdaFunction): void {
    this.connect(who)
  }

  tellOutline(who: LambdaFunction, needs: Outline): void {
    this.#allow(who, KINESIS_OUTLINE[needs])
  }

  consume(scope: Construct, target: LambdaFunction, { batchSize, window }: Batches): EventSourceMapping {
    const mapping = new EventSourceMapping(scope, 'Mapping', {
      ...CONSUMED,
      target,
      eventSourceArn: this.#enhancedFanOut ? this.#fanOut(scope, target) : this.#arn,
      batchSize,
      maxBatchingWindow: window,
      // More would break the order of a lane.
      parallelizationFactor: 1,
    })
    const actions = ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards']
    target.addToRolePolicy(
      new PolicyStatement({ actions: actions.map(action => `kinesis:${action}`), resources: [this.#arn] }),
    )
    return mapping
  }

  behind(consumer: LambdaFunction) {
    return {
      metric: consumer.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: FIVE_MINUTES }),
      threshold: Duration.hours(this.#stage.retentionHours).toMilliseconds() / 4,
      means: 'records wait for a quarter of the time that the stream keeps them',
    }
  }

  #allow(who: LambdaFunction, actions: string[]): void {
    tell(who, { LANDCOVER_LOG: `kinesis://${this.#stream}` })
    who.addToRolePolicy(new PolicyStatement({ actions, resources: [this.#arn] }))
  }

  #fanOut(scope: Construct, target: LambdaFunction): string {
    const consumerName = `landcover-${this.#stage.name}-${scope.node.id.toLowerCase()}`
    const streamArn = this.#arn
    const { attrConsumerArn } = new CfnStreamConsumer(scope, 'FanOut', { consumerName, streamArn })
    target.addToRolePolicy(new PolicyStatement({ actions: ['kinesis:SubscribeToShard'], resources: [attrConsumerArn] }))
    return attrConsumerArn
  }
}

/** What differs between brokers of Amazon MSK and those of others. */
interface KafkaSource {
  /** `HOST:PORT`, separated by commas. */
  brokers: string
  topic: string
  /** As LANDCOVER_LOG_LOGIN has it; null where nobody signs in. */
  login: string | null
  /** Where the brokers are; null: they can be reached from everywhere. */
  network: KafkaNetwork | null
  /** What a function may do with the topic, and its mapping with the cluster. */
  appending: PolicyStatement[]
  consuming(group: string): PolicyStatement[]
  mapping(group: string): Partial<EventSourceMappingProps>
}

/** Interfaces in a network belong to it: they have no names before they are there. */
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

/** Records of a partition that are not done: on Kafka their age is not known, so this is a matter of taste. */
const MANY_RECORDS = 100_000

/** Of pollers that are always there, which partial batch responses take. Both consumers share them. */
const MOST_POLLERS = 10

/**
 * Only the functions that append are in the network of the brokers, from which they reach S3 and nothing else. All
 * others know of the log what the heartbeat function leaves in the bucket; the mappings bring them its records.
 */
class KafkaAccess implements EventLogAccess {
  readonly #stage: Stage
  readonly #access: Access
  readonly #source: KafkaSource

  constructor(stage: Stage, access: Access, source: KafkaSource) {
    this.#stage = stage
    this.#access = access
    this.#source = source
  }

  connect(who: LambdaFunction): void {
    const { brokers, topic, login, network, appending } = this.#source
    tell(who, { LANDCOVER_LOG: `kafka://${brokers}/${topic}`, ...(login && { LANDCOVER_LOG_LOGIN: login }) })
    for (const statement of appending) who.addToRolePolicy(statement)
    if (!network) return
    const { subnetIds, securityGroupId } = network
    const resource = who.node.defaultChild as CfnFunction
    resource.vpcConfig = { subnetIds, securityGroupIds: [securityGroupId] }
    allowInterfaces(who)
  }

  connectHeartbeat(who: LambdaFunction): void {
    this.connect(who)
    tell(who, { LANDCOVER_BUCKET: this.#access.bucket })
    this.#access.readObjects(who, `${OUTLINE_PREFIX}*`)
    this.#access.writeObjects(who, `${OUTLINE_PREFIX}*`)
  }

  tellOutline(who: LambdaFunction): void {
    this.#access.readObjects(who, `${OUTLINE_PREFIX}*`)
  }

  consume(scope: Construct, target: LambdaFunction, { batchSize, window }: Batches): EventSourceMapping {
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
      batchSize,
      // Without a window Kafka's mappings wait half a second.
      maxBatchingWindow: window,
      provisionedPollerConfig: { minimumPollers: 1, maximumPollers: MOST_POLLERS, pollerGroupName: name },
    })
  }

  behind(consumer: LambdaFunction) {
    return {
      metric: consumer.metric('OffsetLag', { statistic: Stats.MAXIMUM, period: FIVE_MINUTES }),
      threshold: MANY_RECORDS,
      means: 'many records wait in a partition',
    }
  }
}

function allowInterfaces(who: LambdaFunction): void {
  who.addToRolePolicy(new PolicyStatement({ actions: NETWORK_ACTIONS, resources: ['*'] }))
  const why = 'Interfaces that Lambda makes in the network of the brokers: EC2 knows no names for them beforehand.'
  acknowledge(who.role as IRole, why, manyResources('*'))
}

/** What infra/msk.ts has made, in the other stack: it leaves word in parameters, since nobody chooses an ARN. */
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
          'kafka:GetBootstrapBrokers',
          'kafka-cluster:DescribeClusterDynamicConfiguration',
        ],
        resources: [clusterArn],
      }),
    ],
    mapping: () => ({ eventSourceArn: clusterArn }),
  }
}

/** What the stack with the brokers tells the other. */
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
