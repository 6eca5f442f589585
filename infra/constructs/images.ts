import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3'
import { CfnSubscription } from 'aws-cdk-lib/aws-sns'
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { ImageSettings } from '../../functions/runtime/config/images.ts'
import type { Names } from '../names.ts'
import type { Images as ImageSources, Stage } from '../stages.ts'
import type { EventLogAccess } from './event-log.ts'
import { deployedFunction } from './function.ts'
import type { Grants } from './grants.ts'
import { suppressNag } from './nag-suppressions.ts'
import { dataRemoval } from './removal.ts'

interface ImagesProps {
  stage: Stage
  names: Names
  grants: Grants
  log: EventLogAccess
  images: ImageSources
}

/** Time limit of a call. It measures one scene. */
const TIMEOUT = Duration.minutes(5)
/**
 * Time after which a message that was not finished is delivered again, and the number of deliveries before it is put
 * aside. All deliveries lie within the 29 minutes in which a publication may be continued.
 */
export const VISIBILITY = Duration.minutes(6)
export const DELIVERIES = 4

/**
 * Observation of scenes as they arrive: a bucket of the stage, and topics of public archives, send messages to a queue; a
 * function measures the stored sites in each scene, and appends the events to the log. A message that fails is delivered
 * again, and then put aside into a second queue.
 */
export class Images extends Construct {
  readonly function: LambdaFunction
  readonly queue: IQueue
  /** Messages of scenes that could not be observed. */
  readonly refused: IQueue

  constructor(scope: Construct, props: ImagesProps) {
    super(scope, 'Images')
    const { stage, names, images } = props
    const [refused, queue] = this.#addQueues(names)
    this.refused = refused as IQueue
    this.queue = queue as IQueue
    const buckets = [...(images.bucket ? [names.imageBucket] : []), ...images.buckets]
    this.function = this.#addFunction(props, buckets)
    if (images.bucket) this.#addBucket(stage, names, queue)
    for (const [index, topicArn] of images.topics.entries()) this.#subscribe(index, topicArn, queue)
    new EventSourceMapping(this, 'Mapping', {
      target: this.function,
      eventSourceArn: queue.queueArn,
      batchSize: 1,
      reportBatchItemFailures: true,
      // Limits cost, and what is read from a provider at the same time.
      maxConcurrency: images.atOnce,
    })
    queue.grantConsumeMessages(this.function)
  }

  #addQueues(names: Names): [refused: Queue, queue: Queue] {
    const options = {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.DESTROY,
    }
    const refused = new Queue(this, 'Refused', { ...options, queueName: names.imagesRefused })
    suppressNag(refused, 'It is itself the queue of what failed. People take messages from it.', 'AwsSolutions-SQS3')
    const queue = new Queue(this, 'Queue', {
      ...options,
      queueName: names.images,
      visibilityTimeout: VISIBILITY,
      deadLetterQueue: { queue: refused as IQueue, maxReceiveCount: DELIVERIES },
    })
    return [refused, queue]
  }

  #addFunction({ stage, names, grants, log, images }: ImagesProps, buckets: string[]): LambdaFunction {
    const { hosts, minValid, texture } = images
    const settings: ImageSettings = { hosts, buckets, minValid, texture }
    const fn = deployedFunction(this, stage, 'images', {
      memoryMb: 1769,
      timeout: TIMEOUT,
      variables: { LANDCOVER_BUCKET: names.bucket, LANDCOVER_IMAGES: JSON.stringify(settings) },
    })
    log.allowIngest(fn)
    grants.readObjects(fn, 'reference/*', 'sites/*', 'observed/*')
    grants.writeObjects(fn, 'observed/*')
    grants.readImages(fn, buckets)
    return fn
  }

  /** Bucket of the stage for scenes. It tells the queue of each new item. */
  #addBucket(stage: Stage, names: Names, queue: Queue): void {
    const bucket = new Bucket(this, 'Bucket', {
      bucketName: names.imageBucket,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      serverAccessLogsBucket: Bucket.fromBucketName(this, 'AccessLogs', names.logBucket) as IBucket,
      serverAccessLogsPrefix: 'images/',
      lifecycleRules: [{ id: 'unfinished', abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      removalPolicy: dataRemoval(stage),
      autoDeleteObjects: stage.disposable,
    })
    this.#allowMessages(queue, 's3.amazonaws.com', Stack.of(this).formatArn({ ...IN_S3, resource: names.imageBucket }))
    const resource = bucket.node.defaultChild as CfnBucket
    // On the resource itself: addEventNotification needs a function of its own, and LocalStack ignores it.
    resource.notificationConfiguration = {
      queueConfigurations: [
        {
          event: 's3:ObjectCreated:*',
          queue: queue.queueArn,
          filter: { s3Key: { rules: [{ name: 'suffix', value: '.json' }] } },
        },
      ],
    }
    // S3 checks that it may send to the queue.
    resource.node.addDependency(queue.node.findChild('Policy'))
  }

  /** Subscribes the queue to a topic, which may be in another account and region. */
  #subscribe(index: number, topicArn: string, queue: Queue): void {
    this.#allowMessages(queue, 'sns.amazonaws.com', topicArn)
    new CfnSubscription(this, `Topic${index}`, {
      topicArn,
      region: topicArn.split(':')[3] as string,
      protocol: 'sqs',
      endpoint: queue.queueArn,
      rawMessageDelivery: true,
    })
  }

  #allowMessages(queue: Queue, service: string, sourceArn: string): void {
    queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(service)],
        actions: ['sqs:SendMessage'],
        resources: [queue.queueArn],
        conditions: {
          ArnEquals: { 'aws:SourceArn': sourceArn },
          // Names of buckets can be taken by others after they are given up.
          ...(service === 's3.amazonaws.com' && { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } }),
        },
      }),
    )
  }
}

/** Parts of the ARN of a bucket. */
const IN_S3 = { service: 's3', region: '', account: '' }
