import { Duration, Stack } from 'aws-cdk-lib'
import { CfnBudget } from 'aws-cdk-lib/aws-budgets'
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { EventBus, EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events'
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import { ALERT_DETAIL_TYPE, ALERT_SOURCE } from '../../functions/adapters/aws/eventbridge-alert-channel.ts'
import type { Measurement, MetricName } from '../../functions/ports/metrics.ts'
import { metricsNamespace } from '../../functions/runtime/aws/namespace.ts'
import type { Names } from '../names.ts'
import type { Stage } from '../stages.ts'
import type { ApiAndSite } from './api-and-site.ts'
import type { BatchLayer } from './batch.ts'
import type { Archive, SpeedLayer } from './consumers.ts'
import type { EventLogAccess } from './event-log.ts'

interface MonitoringProps {
  stage: Stage
  names: Names
  log: EventLogAccess
  heartbeat: LambdaFunction
  speed: SpeedLayer
  archive: Archive
  batch: BatchLayer
  apiAndSite: ApiAndSite
}

const HOUR = Duration.hours(1)
const MINUTES = Duration.minutes(5)
/** Alarm settings for calls that must happen all the time. */
const SILENT: Partial<AlarmProps> = {
  comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
  treatMissingData: TreatMissingData.BREACHING,
  evaluationPeriods: 2,
}

/** Topics for alerts and alarms, all alarms, a dashboard and a budget. docs/runbook.md describes each alarm. */
export class Monitoring extends Construct {
  readonly #alarms: Topic
  readonly #stage: Stage

  constructor(scope: Construct, { stage, names, log, heartbeat, speed, archive, batch, apiAndSite }: MonitoringProps) {
    super(scope, 'Watching')
    this.#stage = stage
    this.#addAnomalies(names)
    this.#alarms = this.#topic('Alarms', names.alarmTopic)
    // The policy that enforces TLS replaces the topic's default policy, so CloudWatch needs an explicit permission.
    this.#alarms.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.#alarms.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    )
    if (stage.alarmMail !== null) this.#alarms.addSubscription(new EmailSubscription(stage.alarmMail))

    const lags = [speed, archive].map(({ function: consumer, mapping, node }) => {
      const { metric, threshold, description } = log.lagAlarm(consumer)
      this.#alarm(`${node.id}Behind`, metric, threshold, description)
      this.#failing(`${node.id}Fails`, consumer)
      if (stage.schedules) {
        const calls = consumer.metricInvocations({ period: MINUTES })
        this.#alarm(
          `${node.id}Silent`,
          calls,
          1,
          'the function gets no records, although each lane gets heartbeats',
          SILENT,
        )
      }
      const dropped = new Metric({
        ...{ namespace: 'AWS/Lambda', metricName: 'DroppedEventCount', statistic: 'sum', period: MINUTES },
        dimensionsMap: { EventSourceMappingUUID: mapping.eventSourceMappingId },
      })
      this.#alarm(`${node.id}Dropped`, dropped, 1, 'the event source mapping dropped records: see docs/runbook.md')
      return metric
    })
    this.#failing('HeartbeatFails', heartbeat)
    if (stage.schedules) {
      const beats = heartbeat.metricInvocations({ period: MINUTES })
      this.#alarm(
        'HeartbeatSilent',
        beats,
        1,
        'no heartbeat was sent: windows do not close, and the cut does not move',
        SILENT,
      )
    }
    const delay = this.#own('speed', 'endToEndDelayMs', 'p95')
    this.#alarm('SpeedSlow', delay, 60_000, 'heartbeats take more than a minute until they are applied')
    const givenBack = this.#own('speed', 'deliveriesGivenBack', 'sum')
    this.#alarm(
      'SpeedGivesBack',
      givenBack,
      5,
      'deliveries are given back: the store does not answer, or the code fails',
    )
    const quarantined = this.#own('speed', 'quarantined', 'sum')
    this.#alarm('Quarantine', quarantined, 1, 'events are refused: docs/runbook.md says how to find them')
    const lost = this.#own('speed', 'lost', 'sum')
    this.#alarm('RecordsLost', lost, 1, 'the log removed records before they were counted: see docs/runbook.md')
    const cutAge = this.#own('batch', 'cutAgeMs', 'max', HOUR)
    const oldestCutMs = 4 * stage.slotMs + HOUR.toMilliseconds()
    this.#alarm('CutOld', cutAge, oldestCutMs, 'the cut of the batch view does not move', {
      treatMissingData: TreatMissingData.BREACHING,
      evaluationPeriods: 2,
    })
    const failed = batch.stateMachine.metricFailed({ period: HOUR })
    this.#alarm('BatchFailed', failed, 1, 'a batch run failed: its execution has the reason')
    const timedOut = batch.stateMachine.metricTimedOut({ period: HOUR })
    this.#alarm('BatchTimedOut', timedOut, 1, 'a batch run took more than 55 minutes')
    const serverErrors = apiAndSite.api.metricServerError({ period: MINUTES })
    this.#alarm('ApiFails', serverErrors, 5, 'the API answers with 5xx')
    const throttles = [speed, archive, batch].map(({ function: each, node }) => {
      const throttle = each.metricThrottles({ period: MINUTES })
      this.#alarm(`${node.id}Throttled`, throttle, 1, 'too many concurrent executions: raise the quota of the account')
      return throttle
    })

    new Dashboard(this, 'Dashboard', {
      dashboardName: `landcover-${stage.name}`,
      widgets: [
        [graph('Lag of the consumers', lags), graph('End-to-end delay', [delay]), graph('Age of the cut', [cutAge])],
        [
          graph('Events counted', [this.#own('speed', 'counted', 'sum')]),
          graph('Quarantined and given back', [quarantined, givenBack]),
          graph('Alerts', [this.#own('speed', 'alerts', 'sum')]),
        ],
        [
          graph('Failed batch runs', [failed, timedOut]),
          graph('API', [apiAndSite.api.metricCount(), serverErrors]),
          graph('Throttles', throttles),
        ],
      ],
    })
    if (stage.monthlyBudget !== null && stage.alarmMail !== null) this.#addBudget(stage.monthlyBudget, stage.alarmMail)
  }

  #topic(id: string, topicName: string): Topic {
    return new Topic(this, id, { topicName, enforceSSL: true })
  }

  /**
   * Adds the bus for alerts, which programs read, and a topic behind it, which people read. The topic has no subscribers
   * by default: the default rule flags about one image in 22 of any normal data.
   */
  #addAnomalies(names: Names): void {
    const eventBus = new EventBus(this, 'Bus', { eventBusName: names.bus })
    const topic = this.#topic('Anomalies', names.anomalyTopic)
    const detail = (field: string) => EventField.fromPath(`$.detail.${field}`)
    new Rule(this, 'ToPeople', {
      eventBus,
      eventPattern: { source: [ALERT_SOURCE], detailType: [ALERT_DETAIL_TYPE] },
      targets: [
        new SnsTopic(topic, {
          message: RuleTargetInput.fromText(
            `${detail('class_name')}: NDVI ${detail('ndvi_mean')} of image ${detail('image_id')} at ${detail('timestamp')} (${detail('rule')}, score ${detail('score')})`,
          ),
        }),
      ],
    })
  }

  /** Adds an alarm for a function that fails repeatedly. A single failed call is repeated. */
  #failing(name: string, which: LambdaFunction): void {
    const errors = which.metricErrors({ period: MINUTES })
    this.#alarm(name, errors, 3, 'the function fails, reaches a limit, or does not start: its log has the reason')
  }

  /** Metric from our own log lines. */
  #own(consumer: Measurement['consumer'], metricName: MetricName, statistic: string, period = MINUTES): Metric {
    const namespace = metricsNamespace(this.#stage.name)
    return new Metric({ namespace, metricName, dimensionsMap: { consumer }, statistic, period })
  }

  #alarm(
    name: string,
    metric: IMetric,
    threshold: number,
    alarmDescription: string,
    more: Partial<AlarmProps> = {},
  ): void {
    const alarm = new Alarm(this, name, {
      alarmName: `landcover-${this.#stage.name}-${name}`,
      alarmDescription,
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...more,
    })
    alarm.addAlarmAction(new SnsAction(this.#alarms))
  }

  #addBudget(amount: number, address: string): void {
    new CfnBudget(this, 'Budget', {
      budget: {
        budgetName: `landcover-${this.#stage.name}`,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:landcover-stage$${this.#stage.name}`] },
      },
      notificationsWithSubscribers: [
        {
          notification: { notificationType: 'FORECASTED', comparisonOperator: 'GREATER_THAN', threshold: 100 },
          subscribers: [{ subscriptionType: 'EMAIL', address }],
        },
      ],
    })
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8 })
}
