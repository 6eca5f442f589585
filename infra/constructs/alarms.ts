import { Stack } from 'aws-cdk-lib'
import { Alarm, type AlarmProps, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'

interface AlarmsProps {
  topicName: string
  /** Address that gets a mail when an alarm begins and when it ends; null: nobody. */
  mail: string | null
  /** Full name of an alarm. */
  nameOf(name: string): string
}

/** Alarms of one region, with their topic. docs/runbook.md describes each alarm. */
export class Alarms extends Construct {
  readonly topic: Topic
  readonly #nameOf: AlarmsProps['nameOf']

  constructor(scope: Construct, id: string, { topicName, mail, nameOf }: AlarmsProps) {
    super(scope, id)
    this.#nameOf = nameOf
    this.topic = new Topic(this, 'Topic', { topicName, enforceSSL: true })
    this.allow('cloudwatch.amazonaws.com')
    if (mail !== null) this.topic.addSubscription(new EmailSubscription(mail))
  }

  /**
   * Lets a service publish to the topic. The policy that enforces TLS replaces the topic's default policy, so each service
   * needs an explicit permission.
   */
  allow(service: string): void {
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(service)],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    )
  }

  /** Adds an alarm, which begins when the metric reaches the threshold. */
  add(
    name: string,
    metric: IMetric,
    threshold: number,
    alarmDescription: string,
    more: Partial<AlarmProps> = {},
  ): Alarm {
    const alarm = new Alarm(this, name, {
      alarmName: this.#nameOf(name),
      alarmDescription,
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...more,
    })
    const action = new SnsAction(this.topic)
    alarm.addAlarmAction(action)
    alarm.addOkAction(action)
    return alarm
  }
}
