import { Duration } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { CfnStreamConsumer } from 'aws-cdk-lib/aws-kinesis'
import {
  EventSourceMapping,
  type Function as LambdaFunction,
  MetricType,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { MINUTE_MS } from '../functions/core/time.ts'
import type { Access } from './access.ts'
import { deployedFunction } from './function.ts'
import type { Names } from './names.ts'
import { type Stage, storeAddress } from './stages.ts'

/** The longest that an event source mapping waits for a batch to be full. */
const LONGEST_WINDOW_MS = 5 * MINUTE_MS

interface LayerProps {
  stage: Stage
  names: Names
  access: Access
}

/** The speed layer: the first consumer of the stream. */
export class SpeedLayer extends Construct {
  readonly function: LambdaFunction
  readonly mapping: EventSourceMapping

  constructor(scope: Construct, { stage, names, access }: LayerProps) {
    super(scope, 'Speed')
    this.function = deployedFunction(this, stage, 'speed', {
      memoryMb: 1024,
      timeout: Duration.minutes(2),
      variables: {
        LANDCOVER_STREAM: names.stream,
        LANDCOVER_STORE: storeAddress(stage, names.keyspace),
        LANDCOVER_BUCKET: names.bucket,
        LANDCOVER_BUS: names.bus,
        LANDCOVER_RULES: stage.rules,
      },
    })
    access.stream(this.function, 'lanes')
    access.speedStore(this.function)
    access.readObjects(this.function, 'reference/*', 'views/*', 'landcover_aggregates/*')
    access.bus(this.function)
    const batches = { batchSize: 1_000, window: Duration.seconds(0) }
    this.mapping = consume(this, this.function, stage, access.streamArn(), batches)
  }
}

/** The archive: the second consumer, which waits for many records so that its files stay few. */
export class Archive extends Construct {
  readonly function: LambdaFunction
  readonly mapping: EventSourceMapping

  constructor(scope: Construct, { stage, names, access }: LayerProps) {
    super(scope, 'Archive')
    this.function = deployedFunction(this, stage, 'archive', {
      memoryMb: 1769,
      timeout: Duration.minutes(5),
      variables: { LANDCOVER_STREAM: names.stream, LANDCOVER_BUCKET: names.bucket },
    })
    access.stream(this.function, 'identity')
    access.readObjects(this.function, 'reference/*')
    access.writeObjects(this.function, 'archive/*')
    const window = Duration.seconds(Math.max(1, Math.floor(Math.min(stage.slotMs / 4, LONGEST_WINDOW_MS) / 1000)))
    this.mapping = consume(this, this.function, stage, access.streamArn(), { batchSize: 10_000, window })
  }
}

/**
 * Every record in its order, until it is done: an outage of the store holds a shard up, and loses nothing for as long
 * as the stream keeps it. No failure destination, which would take a record away after some tries.
 */
function consume(
  scope: Construct,
  target: LambdaFunction,
  stage: Stage,
  streamArn: string,
  { batchSize, window }: { batchSize: number; window: Duration },
): EventSourceMapping {
  let eventSourceArn = streamArn
  if (stage.enhancedFanOut) {
    const consumerName = `landcover-${stage.name}-${scope.node.id.toLowerCase()}`
    eventSourceArn = new CfnStreamConsumer(scope, 'FanOut', { consumerName, streamArn }).attrConsumerArn
  }
  const mapping = new EventSourceMapping(scope, 'Mapping', {
    target,
    eventSourceArn,
    startingPosition: StartingPosition.TRIM_HORIZON,
    batchSize,
    maxBatchingWindow: window,
    parallelizationFactor: 1,
    reportBatchItemFailures: true,
    bisectBatchOnError: true,
    metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
  })
  target.addToRolePolicy(
    new PolicyStatement({
      actions: [
        'kinesis:DescribeStream',
        'kinesis:DescribeStreamSummary',
        'kinesis:GetRecords',
        'kinesis:GetShardIterator',
        'kinesis:ListShards',
      ],
      resources: [streamArn],
    }),
  )
  if (stage.enhancedFanOut) {
    target.addToRolePolicy(new PolicyStatement({ actions: ['kinesis:SubscribeToShard'], resources: [eventSourceArn] }))
  }
  return mapping
}
