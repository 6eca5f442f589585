import { Duration, Stack } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { CfnSchedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler'
import { Construct } from 'constructs'
import { ApiAndSite } from '../constructs/api-and-site.ts'
import { BatchLayer } from '../constructs/batch.ts'
import { Archive, SpeedLayer } from '../constructs/consumers.ts'
import { type EventLogAccess, eventLogAccess } from '../constructs/event-log.ts'
import { deployedFunction } from '../constructs/function.ts'
import { Grants } from '../constructs/grants.ts'
import { Monitoring } from '../constructs/monitoring.ts'
import type { LandcoverStackProps } from './state-stack.ts'

/** Stack that processes the data of the state stack. It may be replaced at any time without losing data. */
export class PipelineStack extends Stack {
  constructor(scope: Construct, id: string, props: LandcoverStackProps) {
    super(scope, id, props)
    const { stage, names } = props
    const grants = new Grants(this, stage, names)
    const log = eventLogAccess(this, stage, names, grants)
    const layer = { stage, names, grants, log }
    const speed = new SpeedLayer(this, layer)
    const archive = new Archive(this, layer)
    const batch = new BatchLayer(this, layer)
    const apiAndSite = new ApiAndSite(this, layer)
    const heartbeat = this.#addHeartbeat(layer)
    this.#addCompaction(layer)
    new Monitoring(this, { stage, names, log, heartbeat, speed, archive, batch, apiAndSite })
  }

  #addHeartbeat({ stage, log }: LandcoverStackProps & { log: EventLogAccess }): LambdaFunction {
    const scope = new Construct(this, 'Heartbeat')
    const heartbeat = deployedFunction(scope, stage, 'heartbeat', {
      memoryMb: 256,
      timeout: Duration.seconds(50),
      variables: {},
    })
    log.allowHeartbeats(heartbeat)
    if (stage.schedules) every(scope, Duration.minutes(1), heartbeat)
    return heartbeat
  }

  #addCompaction({ stage, names, grants }: LandcoverStackProps & { grants: Grants }): void {
    const scope = new Construct(this, 'Compaction')
    const compaction = deployedFunction(scope, stage, 'compaction', {
      memoryMb: 3008,
      timeout: Duration.minutes(15),
      variables: { LANDCOVER_BUCKET: names.bucket },
    })
    grants.readObjects(compaction, 'archive/*', 'views/*', 'compactions/*')
    grants.writeObjects(compaction, 'archive/*', 'compactions/*')
    grants.deleteObjects(compaction, 'archive/*', 'compactions/*')
    if (stage.schedules) every(scope, Duration.hours(1), compaction)
  }
}

function every(scope: Construct, period: Duration, target: LambdaFunction): void {
  const role = new Role(scope, 'ScheduleRole', { assumedBy: new ServicePrincipal('scheduler.amazonaws.com') })
  role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target.functionArn] }))
  new CfnSchedule(scope, 'Schedule', {
    scheduleExpression: ScheduleExpression.rate(period).expressionString,
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: target.functionArn,
      roleArn: role.roleArn,
      // A late call is useless: the next one comes soon.
      retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
    },
  })
}
