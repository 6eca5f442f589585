import { CfnOutput, RemovalPolicies, RemovalPolicy } from 'aws-cdk-lib'
import { GatewayVpcEndpointAwsService, type IVpc, Port, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { CfnCluster, CfnConfiguration, CfnTopic } from 'aws-cdk-lib/aws-msk'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import { AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources'
import { Construct } from 'constructs'
import { HOUR_MS } from '../../functions/core/time.ts'
import type { Names } from '../names.ts'
import type { Stage } from '../stages.ts'
import { awsCall } from './aws-call.ts'
import type { MskParameters } from './event-log.ts'
import { diskFor, SEGMENT_BYTES } from './msk-disk.ts'
import { manyResources, suppressNag } from './nag-suppressions.ts'
import { dataRemoval } from './removal.ts'

/** Kafka version. Topics as CloudFormation resources need 3.6 or later. */
const KAFKA_VERSION = '3.9.x'
/** Port for IAM logins. */
const IAM_PORT = 9098
/** Maximum size of a record: the same as on Kinesis. Lambda can deliver it. */
const MAX_RECORD_BYTES = 1024 ** 2

/** Event log on Amazon MSK: a topic on brokers in their own network, without a route to the internet. */
export class MskLog extends Construct {
  constructor(scope: Construct, stage: Stage, names: Names, options: Extract<Stage['eventLog'], { kind: 'msk' }>) {
    super(scope, 'Msk')
    const { brokers, brokerType, bytesPerSecond, partitions } = options
    const { diskGb, retentionBytes } = diskFor({ bytesPerSecond, partitions, retentionHours: stage.retentionHours })
    const removalPolicy = dataRemoval(stage)

    // The class Vpc does not match IVpc under TypeScript's exactOptionalPropertyTypes.
    const network = new Vpc(this, 'Network', {
      maxAzs: brokers,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Brokers', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 26 }],
      restrictDefaultSecurityGroup: false,
      // The functions in this network write the log's metadata to the bucket, and read the classes there.
      gatewayEndpoints: { Objects: { service: GatewayVpcEndpointAwsService.S3 } },
    }) as IVpc
    suppressNag(
      network,
      'It holds only the brokers and our functions, without a route out. The logs of the brokers have all connections.',
      'AwsSolutions-VPC7',
    )
    const group = new SecurityGroup(this, 'Group', {
      vpc: network,
      description: `Brokers of landcover, stage ${stage.name}, their functions and pollers`,
    })
    group.addIngressRule(group, Port.tcp(IAM_PORT), 'log-ins by IAM')

    // Brokers that are retained need their network.
    if (!stage.disposable) RemovalPolicies.of(this).retainOnUpdateOrDelete()

    const configuration = new CfnConfiguration(this, 'Configuration', {
      name: names.cluster,
      serverProperties: Object.entries(SERVER_PROPERTIES)
        .map(([name, value]) => `${name}=${value}`)
        .join('\n'),
    })
    configuration.applyRemovalPolicy(removalPolicy)
    const brokerLog = new LogGroup(this, 'BrokerLog', {
      logGroupName: `/landcover/${stage.name}/kafka`,
      retention: stage.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const cluster = new CfnCluster(this, 'Cluster', {
      clusterName: names.cluster,
      kafkaVersion: KAFKA_VERSION,
      numberOfBrokerNodes: brokers,
      brokerNodeGroupInfo: {
        instanceType: brokerType,
        clientSubnets: network.isolatedSubnets.map(({ subnetId }) => subnetId),
        securityGroups: [group.securityGroupId],
        storageInfo: { ebsStorageInfo: { volumeSize: diskGb } },
      },
      clientAuthentication: { sasl: { iam: { enabled: true } }, unauthenticated: { enabled: false } },
      encryptionInfo: { encryptionInTransit: { clientBroker: 'TLS', inCluster: true } },
      configurationInfo: { arn: configuration.attrArn, revision: 1 },
      loggingInfo: { brokerLogs: { cloudWatchLogs: { enabled: true, logGroup: brokerLog.logGroupName } } },
    })
    cluster.applyRemovalPolicy(removalPolicy)
    const topic = new CfnTopic(this, 'Images', {
      clusterArn: cluster.attrArn,
      topicName: names.topic,
      partitionCount: partitions,
      replicationFactor: brokers,
      configs: Buffer.from(JSON.stringify(topicConfigs(stage, brokers, retentionBytes))).toString('base64'),
    })
    topic.applyRemovalPolicy(removalPolicy)

    this.#publish(names, {
      cluster: cluster.attrArn,
      brokers: this.#bootstrapBrokers(cluster),
      subnets: network.isolatedSubnets.map(({ subnetId }) => subnetId).join(','),
      securityGroup: group.securityGroupId,
    })
  }

  /** Writes parameters for the other stack. */
  #publish(names: Names, parameters: MskParameters): void {
    for (const [name, stringValue] of Object.entries(parameters)) {
      new StringParameter(this, `${name}Parameter`, { parameterName: `${names.logParameters}/${name}`, stringValue })
    }
    new CfnOutput(this, 'KafkaBrokers', {
      value: parameters.brokers,
      description: 'Addresses of the Kafka brokers, inside their network',
    })
  }

  /** Addresses of the brokers. CloudFormation does not return them, so a custom resource asks at deployment. */
  #bootstrapBrokers(cluster: CfnCluster): string {
    const found = 'BootstrapBrokerStringSaslIam'
    const call = awsCall(this, 'Brokers', {
      resourceType: 'Custom::KafkaBrokers',
      onUpdate: {
        service: 'Kafka',
        action: 'getBootstrapBrokers',
        parameters: { ClusterArn: cluster.attrArn },
        physicalResourceId: PhysicalResourceId.of('brokers'),
        outputPaths: [found],
      },
      policy: AwsCustomResourcePolicy.fromStatements([
        new PolicyStatement({ actions: ['kafka:GetBootstrapBrokers'], resources: ['*'] }),
      ]),
    })
    suppressNag(call, 'The action cannot be granted for a single cluster.', manyResources('*'))
    return call.getResponseField(found)
  }
}

/** Broker settings. An acknowledged record must not be lost with a broker. Only deployments create topics. */
const SERVER_PROPERTIES = {
  'auto.create.topics.enable': false,
  'unclean.leader.election.enable': false,
}

function topicConfigs(stage: Stage, brokers: number, retentionBytes: number): Record<string, string> {
  return {
    // The arrival slot of a record comes from its arrival time.
    'message.timestamp.type': 'LogAppendTime',
    'retention.ms': String(stage.retentionHours * HOUR_MS),
    // A broker with a full disk stops. Losing the oldest records is better, and the alarm BrokerDiskFull comes first.
    'retention.bytes': String(retentionBytes),
    'segment.bytes': String(SEGMENT_BYTES),
    // With two brokers one may be down: MSK restarts them one by one. With three, each record is on at least two.
    'min.insync.replicas': String(brokers - 1),
    'max.message.bytes': String(MAX_RECORD_BYTES),
  }
}
