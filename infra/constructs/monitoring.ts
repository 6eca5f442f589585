import { Duration } from 'aws-cdk-lib'
import {
  type Alarm,
  type AlarmProps,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { SLOTS_BEHIND } from '../../functions/archive/compaction-progress.ts'
import type { Measurement, MetricName } from '../../functions/ports/metrics.ts'
import { metricsNamespace } from '../../functions/runtime/aws/namespace.ts'
import type { Names } from '../names.ts'
import type { Stage } from '../stages.ts'
import { Alarms } from './alarms.ts'
import type { ApiAndSite } from './api-and-site.ts'
import type { BatchLayer } from './batch.ts'
import type { Archive, SpeedLayer } from './consumers.ts'
import type { EventLogAccess } from './event-log.ts'
import type { Images } from './images.ts'
import { addLogQueries } from './log-queries.ts'
import type { Notifier } from './notifier.ts'
import type { Schedules } from './schedules.ts'

interface MonitoringProps {
  stage: Stage
  names: Names
  log: EventLogAccess
  schedules: Schedules | null
  heartbeat: LambdaFunction
  compaction: LambdaFunction
  speed: SpeedLayer
  archive: Archive
  batch: BatchLayer
  notifier: Notifier
  apiAndSite: ApiAndSite
  /** Null in stages that observe no scenes. */
  images: Images | null
}

const HOUR = Duration.hours(1)
const MINUTES = Duration.minutes(5)
/** Alarm settings for calls that must happen all the time. */
const SILENT: Partial<AlarmProps> = {
  comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
  treatMissingData: TreatMissingData.BREACHING,
  evaluationPeriods: 2,
}
/** Throttled requests in five minutes that are an alarm. */
const MANY_THROTTLED = 100
/** Age of the oldest message about a scene that is an alarm. Satellite scenes are hours old when they arrive. */
const SCENES_WAIT_SECONDS = 2 * 60 * 60
/** Failed calls of schedules within the four days that their queue keeps them. */
const MANY_FAILED = 10

/** The alarms of the stage's region with their topic, and a dashboard. docs/runbook.md describes each alarm. */
export class Monitoring extends Construct {
  readonly #alarms: Alarms
  readonly #stage: Stage

  constructor(scope: Construct, props: MonitoringProps) {
    super(scope, 'Watching')
    const { stage, names } = props
    this.#stage = stage
    this.#alarms = new Alarms(this, 'Alarms', {
      topicName: names.alarmTopic,
      mail: stage.alarmMail,
      nameOf: name => `landcover-${stage.name}-${name}`,
    })
    const rows = [this.#watchConsumers(props), this.#watchCounting(), this.#watchAnswers(props)]
    this.#watchSchedules(props)
    this.#watchNotifier(props)
    if (props.images) this.#watchImages(props.images)
    for (const { name, metric, threshold, description, more } of props.log.moreAlarms()) {
      this.#alarms.add(name, metric, threshold, description, more)
    }
    addLogQueries(this, stage)
    new Dashboard(this, 'Dashboard', { dashboardName: `landcover-${stage.name}`, widgets: rows })
  }

  /** Adds the alarms of the two consumers of the log. @returns graphs for the dashboard */
  #watchConsumers({ stage, log, speed, archive, batch }: MonitoringProps): GraphWidget[] {
    const lags = [speed, archive].map(({ function: consumer, mapping, node }) => {
      const { metric, threshold, description } = log.lagAlarm(consumer)
      this.#alarms.add(`${node.id}Behind`, metric, threshold, description)
      this.#failing(`${node.id}Fails`, consumer)
      if (stage.schedules) {
        const calls = consumer.metricInvocations({ period: MINUTES })
        const why = 'the function gets no records, although each lane gets heartbeats'
        this.#alarms.add(`${node.id}Silent`, calls, 1, why, SILENT)
      }
      const dropped = new Metric({
        ...{ namespace: 'AWS/Lambda', metricName: 'DroppedEventCount', statistic: 'sum', period: MINUTES },
        dimensionsMap: { EventSourceMappingUUID: mapping.eventSourceMappingId },
      })
      this.#alarms.add(`${node.id}Dropped`, dropped, 1, 'the event source mapping dropped records: see docs/runbook.md')
      return metric
    })
    const delay = this.#own('speed', 'endToEndDelayMs', 'p95')
    this.#alarms.add('SpeedSlow', delay, 60_000, 'heartbeats take more than a minute until they are applied')
    const throttles = [speed, archive, batch].map(({ function: each, node }) => {
      const throttle = each.metricThrottles({ period: MINUTES })
      const why = 'too many concurrent executions: raise the quota of the account'
      this.#alarms.add(`${node.id}Throttled`, throttle, 1, why)
      return throttle
    })
    return [graph('Lag of the consumers', lags), graph('End-to-end delay', [delay]), graph('Throttles', throttles)]
  }

  /** Adds the alarms of what the speed layer counts and refuses. @returns graphs for the dashboard */
  #watchCounting(): GraphWidget[] {
    const givenBack = this.#own('speed', 'deliveriesGivenBack', 'sum')
    const why = 'deliveries are given back: the store does not answer, or the code fails'
    this.#alarms.add('SpeedGivesBack', givenBack, 5, why)
    const quarantined = this.#own('speed', 'quarantined', 'sum')
    this.#alarms.add('Quarantine', quarantined, 1, 'events are refused: docs/runbook.md says how to find them')
    const lost = this.#own('speed', 'lost', 'sum')
    this.#alarms.add('RecordsLost', lost, 1, 'the log removed records before they were counted: see docs/runbook.md')
    return [
      graph('Events counted', [this.#own('speed', 'counted', 'sum')]),
      graph('Quarantined and given back', [quarantined, givenBack]),
      graph('Unusual images', [this.#own('speed', 'alerts', 'sum')]),
    ]
  }

  /** Adds the alarms of the batch layer and the API. @returns graphs for the dashboard */
  #watchAnswers({ stage, batch, apiAndSite }: MonitoringProps): GraphWidget[] {
    const cutAge = this.#own('batch', 'cutAgeMs', 'max', HOUR)
    const oldestCutMs = 4 * stage.slotMs + HOUR.toMilliseconds()
    this.#alarms.add('CutOld', cutAge, oldestCutMs, 'the cut of the batch view does not move', {
      treatMissingData: TreatMissingData.BREACHING,
      evaluationPeriods: 2,
    })
    const failed = batch.stateMachine.metricFailed({ period: HOUR })
    this.#alarms.add('BatchFailed', failed, 1, 'a batch run failed: its execution has the reason')
    const timedOut = batch.stateMachine.metricTimedOut({ period: HOUR })
    this.#alarms.add('BatchTimedOut', timedOut, 1, 'a batch run took more than 55 minutes')
    const serverErrors = apiAndSite.api.metricServerError({ period: MINUTES })
    const apiFails = this.#alarms.add('ApiFails', serverErrors, 5, 'the API answers with 5xx')
    const servingFails = this.#failing('ServingFails', apiAndSite.serving)
    apiAndSite.deployment?.rollBackOn(apiFails, servingFails)
    this.#failing('IngestFails', apiAndSite.ingest)
    const refused = apiAndSite.throttled.with({ period: MINUTES, statistic: 'sum' })
    this.#alarms.add('ApiThrottled', refused, MANY_THROTTLED, 'API Gateway answers many requests with 429')
    return [
      graph('Age of the cut', [cutAge]),
      graph('Failed batch runs', [failed, timedOut]),
      graph('API', [apiAndSite.api.metricCount(), serverErrors, refused]),
    ]
  }

  /** Adds the alarms of what runs on a schedule. */
  #watchSchedules({ stage, names, schedules, heartbeat, compaction }: MonitoringProps): void {
    this.#failing('HeartbeatFails', heartbeat)
    const failed = compaction.metricErrors({ period: HOUR })
    const why = 'compaction failed: the archive keeps many small files, and batch runs get slower'
    this.#alarms.add('CompactionFails', failed, 1, why, { evaluationPeriods: 2, datapointsToAlarm: 2 })
    if (!schedules) return
    const waiting = 'calls of schedules failed or could not start: the queue has them, with their errors'
    this.#alarms.add('FailedCalls', schedules.failures, MANY_FAILED, waiting)
    const behind = this.#own('compaction', 'compactionBehindMs', 'max', HOUR)
    const slow = 'compaction does not keep up, or does not run: batch runs get slower'
    this.#alarms.add('CompactionBehind', behind, SLOTS_BEHIND * stage.slotMs, slow, {
      treatMissingData: TreatMissingData.BREACHING,
      evaluationPeriods: 2,
    })
    const beats = heartbeat.metricInvocations({ period: MINUTES })
    const silence = 'no heartbeat was sent: windows do not close, and the cut does not move'
    this.#alarms.add('HeartbeatSilent', beats, 1, silence, SILENT)
    const dropped = new Metric({
      ...{ namespace: 'AWS/Scheduler', metricName: 'InvocationDroppedCount', statistic: 'sum', period: MINUTES },
      dimensionsMap: { ScheduleGroup: names.scheduleGroup },
    })
    this.#alarms.add('SchedulesDropped', dropped, 3, 'EventBridge Scheduler could not start what it must start')
  }

  /** Adds the alarms of what tells people and programs of incidents. */
  #watchNotifier({ schedules, notifier }: MonitoringProps): void {
    const errors = notifier.function.metricErrors({ period: HOUR })
    const why = 'a receiver of incidents is not told, or the notifier fails: its log has the reason'
    this.#alarms.add('NotifierFails', errors, 3, why)
    if (!schedules) return
    const untold = this.#own('notifier', 'untoldMs', 'max', HOUR)
    const waiting = 'a receiver of incidents was not told for an hour, or the notifier does not run'
    this.#alarms.add('ChangesUntold', untold, HOUR.toMilliseconds(), waiting, {
      treatMissingData: TreatMissingData.BREACHING,
    })
  }

  /** Adds the alarms of scenes that are observed as they arrive. */
  #watchImages({ function: fn, queue, refused }: Images): void {
    this.#failing('ImagesFails', fn)
    const oldest = queue.metricApproximateAgeOfOldestMessage({ statistic: 'max', period: MINUTES })
    this.#alarms.add('ImagesBehind', oldest, SCENES_WAIT_SECONDS, 'scenes wait to be observed')
    const aside = refused.metricApproximateNumberOfMessagesVisible({ statistic: 'max', period: MINUTES })
    this.#alarms.add('ImagesRefused', aside, 1, 'scenes could not be observed: the queue has their messages')
  }

  /** Adds an alarm for a function that fails repeatedly. A single failed call is repeated. */
  #failing(name: string, which: LambdaFunction): Alarm {
    const errors = which.metricErrors({ period: MINUTES })
    const why = 'the function fails, reaches a limit, or does not start: its log has the reason'
    return this.#alarms.add(name, errors, 3, why)
  }

  /** Metric from our own log lines. */
  #own(consumer: Measurement['consumer'], metricName: MetricName, statistic: string, period = MINUTES): Metric {
    const namespace = metricsNamespace(this.#stage.name)
    return new Metric({ namespace, metricName, dimensionsMap: { consumer }, statistic, period })
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8 })
}
