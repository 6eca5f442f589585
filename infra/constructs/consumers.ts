import { Duration } from 'aws-cdk-lib'
import type { EventSourceMapping, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { AGGREGATES } from '../../functions/batch/aggregates-table.ts'
import { CLASSES_PREFIX } from '../../functions/batch/view.ts'
import { archiveBatching, SPEED_BATCHING } from '../../functions/runtime/batching.ts'
import type { Names } from '../names.ts'
import { latenessText, type Stage, storeAddress } from '../stages.ts'
import type { EventLogAccess } from './event-log.ts'
import { deployedFunction } from './function.ts'
import type { Grants } from './grants.ts'

interface LayerProps {
  stage: Stage
  names: Names
  grants: Grants
  log: EventLogAccess
}

/** The speed layer: the first consumer of the log. */
export class SpeedLayer extends Construct {
  readonly function: LambdaFunction
  readonly mapping: EventSourceMapping

  constructor(scope: Construct, { stage, names, grants, log }: LayerProps) {
    super(scope, 'Speed')
    this.function = deployedFunction(this, stage, 'speed', {
      memoryMb: 1024,
      timeout: Duration.minutes(2),
      variables: {
        LANDCOVER_STORE: storeAddress(stage, names.keyspace),
        LANDCOVER_BUCKET: names.bucket,
        LANDCOVER_LATENESS: latenessText(stage),
        LANDCOVER_RULES: stage.rules,
      },
    })
    log.allowLogMetadata(this.function, 'lanes')
    grants.speedStore(this.function)
    grants.readObjects(this.function, 'reference/*', 'views/*', `${CLASSES_PREFIX}*`, `${AGGREGATES.prefix}*`)
    this.mapping = log.consume(this, this.function, SPEED_BATCHING)
  }
}

/** The archive: the second consumer of the log. It waits for many records, so it writes few files. */
export class Archive extends Construct {
  readonly function: LambdaFunction
  readonly mapping: EventSourceMapping

  constructor(scope: Construct, { stage, names, grants, log }: LayerProps) {
    super(scope, 'Archive')
    this.function = deployedFunction(this, stage, 'archive', {
      memoryMb: 1769,
      timeout: Duration.minutes(5),
      variables: { LANDCOVER_BUCKET: names.bucket, LANDCOVER_LATENESS: latenessText(stage) },
    })
    log.allowLogMetadata(this.function, 'identity')
    grants.readObjects(this.function, 'reference/*')
    grants.writeObjects(this.function, 'archive/*')
    this.mapping = log.consume(this, this.function, archiveBatching(stage.slotMs))
  }
}
