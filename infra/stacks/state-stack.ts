import { ArnFormat, Duration, Fn, type RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib'
import { CfnKeyspace, CfnTable } from 'aws-cdk-lib/aws-cassandra'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, StorageClass } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { TABLES, type Table } from '../../functions/adapters/row-encoding/tables.ts'
import { ARCHIVE_PREFIX } from '../../functions/archive/layout.ts'
import { MskLog } from '../constructs/msk.ts'
import { suppressNag } from '../constructs/nag-suppressions.ts'
import { dataRemoval } from '../constructs/removal.ts'
import { ReaderPool } from '../constructs/user-pool.ts'
import type { Names } from '../names.ts'
import { EDGE_REGION } from '../regions.ts'
import type { Stage } from '../stages.ts'

/** Properties of both stacks. */
export interface LandcoverStackProps extends StackProps {
  stage: Stage
  names: Names
}

/** Stack with the data that must survive: log, tables of the speed store, archive and views. It changes rarely. */
export class StateStack extends Stack {
  constructor(scope: Construct, id: string, props: LandcoverStackProps) {
    super(scope, id, props)
    const { stage, names } = props
    const removalPolicy = dataRemoval(stage)

    const { eventLog } = stage
    if (eventLog.kind === 'kinesis') {
      const { shards } = eventLog
      new Stream(this, 'Images', {
        streamName: names.stream,
        retentionPeriod: Duration.hours(stage.retentionHours),
        encryption: StreamEncryption.MANAGED,
        removalPolicy,
        ...(shards === 'on-demand'
          ? { streamMode: StreamMode.ON_DEMAND }
          : { streamMode: StreamMode.PROVISIONED, shardCount: shards }),
      })
    }
    if (eventLog.kind === 'msk') new MskLog(this, stage, names, eventLog)

    const logs = new Bucket(this, 'AccessLogs', {
      bucketName: names.logBucket,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      lifecycleRules: [{ expiration: Duration.days(stage.logDays) }],
      removalPolicy,
      autoDeleteObjects: stage.disposable,
    })
    suppressNag(
      logs,
      'It holds the access logs of the other buckets. Logs of its own would cause new logs without end.',
      'AwsSolutions-S1',
    )
    if (stage.cloudFront) this.#allowAccessLogs(logs, names)
    new Bucket(this, 'Objects', {
      bucketName: names.bucket,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      versioned: true,
      // The class Bucket does not match IBucket under TypeScript's exactOptionalPropertyTypes.
      serverAccessLogsBucket: logs as IBucket,
      serverAccessLogsPrefix: 'objects/',
      lifecycleRules: [
        { id: 'unfinished', abortIncompleteMultipartUploadAfter: Duration.days(1) },
        // Objects that compaction and new views replace stay for a month (if disposable, a day), in case of an error.
        { id: 'replaced', noncurrentVersionExpiration: Duration.days(stage.disposable ? 1 : 30) },
        // Delete markers without versions slow down listing.
        { id: 'markers', expiredObjectDeleteMarker: true },
        // Old slots are read by backfills and by people's own statements. S3 leaves objects below 128 KB as they are.
        ...(stage.disposable
          ? []
          : [
              {
                id: 'old-archive',
                prefix: ARCHIVE_PREFIX,
                transitions: [{ storageClass: StorageClass.INFREQUENT_ACCESS, transitionAfter: Duration.days(90) }],
              },
            ]),
        { id: 'answers', prefix: 'athena/', expiration: Duration.days(1) },
      ],
      removalPolicy,
      autoDeleteObjects: stage.disposable,
    })

    if (stage.reads.access === 'cognito') new ReaderPool(this, stage, names)
    if (stage.speedStore.kind === 'keyspaces') this.#addKeyspace(names.keyspace, removalPolicy)
  }

  /** Zones of the region, resolved by CloudFormation. By default CDK would look them up, and need an account for it. */
  override get availabilityZones(): string[] {
    return [0, 1, 2].map(zone => Fn.select(zone, Fn.getAzs()))
  }

  /** Lets the edge stack deliver CloudFront's access logs into the bucket. */
  #allowAccessLogs(logs: Bucket, { global }: Names): void {
    logs.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('delivery.logs.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [logs.arnForObjects('cloudfront/*')],
        conditions: {
          StringEquals: { 'aws:SourceAccount': this.account, 's3:x-amz-acl': 'bucket-owner-full-control' },
          ArnLike: {
            'aws:SourceArn': this.formatArn({
              service: 'logs',
              region: EDGE_REGION,
              resource: 'delivery-source',
              resourceName: `${global}-access`,
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
        },
      }),
    )
  }

  #addKeyspace(keyspaceName: string, removalPolicy: RemovalPolicy): void {
    const keyspace = new CfnKeyspace(this, 'Keyspace', { keyspaceName })
    keyspace.applyRemovalPolicy(removalPolicy)
    for (const table of TABLES) {
      const resource = new CfnTable(this, constructId(table.name), { keyspaceName, ...tableProperties(table) })
      resource.addResourceDependency(keyspace)
      resource.applyRemovalPolicy(removalPolicy)
    }
  }
}

/**
 * Properties of a table in Keyspaces. It has no point-in-time recovery: with a restored, older cursor, records that the
 * log still has would be counted again. Lost tables are rebuilt from the archive: npm run replay.
 */
function tableProperties(
  table: Table,
): Pick<
  ConstructorParameters<typeof CfnTable>[2],
  'tableName' | 'partitionKeyColumns' | 'clusteringKeyColumns' | 'regularColumns' | 'billingMode' | 'defaultTimeToLive'
> {
  const column = ({ name, type }: { name: string; type: string }) => ({ columnName: name, columnType: type })
  return {
    tableName: table.name,
    partitionKeyColumns: table.partitionKey.map(column),
    clusteringKeyColumns: table.clustering.map(({ order, ...rest }) => ({ column: column(rest), orderBy: order })),
    regularColumns: table.columns.map(column),
    billingMode: { mode: 'ON_DEMAND' },
    ...(table.ttlSeconds !== null && { defaultTimeToLive: table.ttlSeconds }),
  }
}

function constructId(name: string): string {
  return name
    .split('_')
    .map(word => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}
