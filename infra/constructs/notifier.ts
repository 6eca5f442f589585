import { ArnFormat, Duration, Stack } from 'aws-cdk-lib'
import { EventBus } from 'aws-cdk-lib/aws-events'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { INCIDENTS_PREFIX } from '../../functions/batch/incidents-file.ts'
import { DECISIONS_PREFIX } from '../../functions/decisions/stored-decisions.ts'
import { LEDGER_PREFIX } from '../../functions/notify/ledger.ts'
import {
  type CheckedAlerts,
  checkAlertsFile,
  SECRET_ARN,
  SES_SERVER,
  secretReferences,
} from '../../functions/runtime/config/alerts-file.ts'
import type { Names } from '../names.ts'
import type { Stage } from '../stages.ts'
import { deployedFunction } from './function.ts'
import type { Grants } from './grants.ts'
import type { Schedules } from './schedules.ts'

interface NotifierProps {
  stage: Stage
  names: Names
  grants: Grants
  /** Null in stages without schedules. */
  schedules: Schedules | null
}

/** Time between two rounds by the schedule: for posts that failed, daily posts, reminders and decisions. */
const EVERY = Duration.minutes(5)

/** Maximum length of the configuration, bytes. All environment variables of a function together may have 4 KB. */
const MOST_BYTES = 3_000

/** Tells people and programs of incidents: after each view, and every five minutes. It has the stage's own event bus. */
export class Notifier extends Construct {
  readonly function: LambdaFunction

  constructor(scope: Construct, { stage, names, grants, schedules }: NotifierProps) {
    super(scope, 'Notifier')
    const alerts = checkedAlerts(stage)
    this.function = deployedFunction(this, stage, 'notify', {
      memoryMb: 512,
      timeout: Duration.minutes(2),
      variables: { LANDCOVER_BUCKET: names.bucket, LANDCOVER_ALERTS: JSON.stringify(alerts) },
    })
    grants.readObjects(this.function, `${INCIDENTS_PREFIX}*`, `${DECISIONS_PREFIX}*`, `${LEDGER_PREFIX}*`)
    grants.writeObjects(this.function, `${LEDGER_PREFIX}*`)
    this.#grantReceivers(grants, alerts)
    new EventBus(this, 'Bus', { eventBusName: names.bus })
    if (schedules) {
      schedules.callOnce(this.function)
      schedules.every(this, EVERY, this.function)
    }
  }

  /** Grants what the receivers of the configuration need, and nothing for others. */
  #grantReceivers(grants: Grants, alerts: CheckedAlerts): void {
    const stack = Stack.of(this)
    const secrets = secretReferences(alerts).map(({ reference }) => SECRET_ARN.exec(reference)?.[1] as string)
    grants.notifier(this.function, 'secretsmanager:GetSecretValue', secrets)
    const receivers = Object.values(alerts.receivers)
    const buses = receivers.flatMap(receiver => {
      if (receiver.type !== 'eventbridge') return []
      const { bus, region = stack.region } = receiver
      if (bus.startsWith('arn:')) return [bus]
      return [stack.formatArn({ service: 'events', region, resource: 'event-bus', resourceName: bus })]
    })
    grants.notifier(this.function, 'events:PutEvents', buses)
    const topics = receivers.flatMap(receiver => (receiver.type === 'sns' ? [receiver.topic] : []))
    grants.notifier(this.function, 'sns:Publish', topics)
    const identities = receivers.flatMap(receiver => {
      const region = receiver.type === 'email' ? SES_SERVER.exec(receiver.server)?.[1] : undefined
      if (receiver.type !== 'email' || region === undefined) return []
      // SES has verified either the address or its domain.
      return [receiver.from, receiver.from.split('@')[1] as string].map(resourceName =>
        stack.formatArn({
          ...{ service: 'ses', region, resource: 'identity', resourceName },
          arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
        }),
      )
    })
    grants.notifier(this.function, 'ses:SendEmail', identities)
  }
}

/**
 * Configuration of a stage's receivers, with its defaults.
 *
 * @throws Error with the field, and what to write
 */
export function checkedAlerts({ name, alerts }: Pick<Stage, 'name' | 'alerts'>): CheckedAlerts {
  const place = `the alerts of the stage ${name}`
  const text = JSON.stringify(alerts)
  const checked = checkAlertsFile(place, text)
  for (const { place: field, reference } of secretReferences(checked)) {
    if (SECRET_ARN.test(reference)) continue
    throw new Error(
      `${place}: ${field}: a function has no variables or files of its own: put it into Secrets Manager, and write its ARN`,
    )
  }
  const bytes = Buffer.byteLength(JSON.stringify(checked))
  if (bytes <= MOST_BYTES) return checked
  throw new Error(`${place}: has ${bytes} bytes, and at most ${MOST_BYTES} fit into the settings of a function`)
}
