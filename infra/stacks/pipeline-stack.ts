import { Duration, Stack } from 'aws-cdk-lib'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { CompactionWorker } from '../../functions/archive/compaction-progress.ts'
import { ApiAndSite } from '../constructs/api-and-site.ts'
import { BatchLayer } from '../constructs/batch.ts'
import { Archive, SpeedLayer } from '../constructs/consumers.ts'
import { type EventLogAccess, eventLogAccess } from '../constructs/event-log.ts'
import { deployedFunction } from '../constructs/function.ts'
import { Grants } from '../constructs/grants.ts'
import { Images } from '../constructs/images.ts'
import { Monitoring } from '../constructs/monitoring.ts'
import { Notifier } from '../constructs/notifier.ts'
import { Schedules } from '../constructs/schedules.ts'
import type { LandcoverStackProps } from './state-stack.ts'

/** Context that the parts of the stack share. */
interface Layer extends LandcoverStackProps {
  grants: Grants
  log: EventLogAccess
  /** Null in stages without schedules. */
  schedules: Schedules | null
}

/** Stack that processes the data of the state stack. It may be replaced at any time without losing data. */
export class PipelineStack extends Stack {
  constructor(scope: Construct, id: string, props: LandcoverStackProps) {
    super(scope, id, props)
    const { stage, names } = props
    const schedules = stage.schedules ? new Schedules(this, names) : null
    const grants = new Grants(this, stage, names)
    const log = eventLogAccess(this, stage, names, grants)
    const layer = { stage, names, grants, log, schedules }
    const speed = new SpeedLayer(this, layer)
    const archive = new Archive(this, layer)
    const notifier = new Notifier(this, layer)
    const batch = new BatchLayer(this, { ...layer, notifier })
    const apiAndSite = new ApiAndSite(this, layer)
    const heartbeat = this.#addHeartbeat(layer)
    const compaction = this.#addCompaction(layer)
    const images = stage.images && new Images(this, { ...layer, images: stage.images })
    new Monitoring(this, { ...layer, heartbeat, compaction, speed, archive, batch, notifier, apiAndSite, images })
  }

  #addHeartbeat({ stage, log, schedules }: Layer): LambdaFunction {
    const scope = new Construct(this, 'Heartbeat')
    const heartbeat = deployedFunction(scope, stage, 'heartbeat', {
      memoryMb: 256,
      timeout: Duration.seconds(50),
      variables: {},
    })
    log.allowHeartbeats(heartbeat)
    if (schedules) {
      schedules.callOnce(heartbeat)
      schedules.every(scope, Duration.minutes(1), heartbeat)
    }
    return heartbeat
  }

  #addCompaction({ stage, names, grants, schedules }: Layer): LambdaFunction {
    const scope = new Construct(this, 'Compaction')
    const compaction = deployedFunction(scope, stage, 'compaction', {
      memoryMb: 3008,
      timeout: Duration.minutes(15),
      variables: { LANDCOVER_BUCKET: names.bucket },
    })
    grants.readObjects(compaction, 'archive/*', 'views/*', 'compactions/*')
    grants.writeObjects(compaction, 'archive/*', 'compactions/*')
    grants.deleteObjects(compaction, 'archive/*', 'compactions/*')
    if (schedules) {
      schedules.callOnce(compaction)
      for (let index = 0; index < stage.compactionWorkers; index++) {
        const worker: CompactionWorker = { index, of: stage.compactionWorkers }
        schedules.every(new Construct(scope, `Worker${index}`), Duration.minutes(15), compaction, worker)
      }
    }
    return compaction
  }
}
