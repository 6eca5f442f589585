import { Duration } from 'aws-cdk-lib'
import { type AlarmProps, type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'

/** An alarm that only one kind of log has. */
export interface LogAlarm {
  name: string
  metric: IMetric
  threshold: number
  description: string
  more?: Partial<AlarmProps>
}

/** Use of a broker's disk that is an alarm, percent. Retention keeps it below 80 % as long as the load is as planned. */
const FULL_PERCENT = 85

const FIVE_MINUTES = Duration.minutes(5)

/** Alarms for a Kinesis stream whose shards are too few. */
export function streamAlarms(stream: string): LogAlarm[] {
  const throttled = (what: 'Write' | 'Read') =>
    new Metric({
      namespace: 'AWS/Kinesis',
      metricName: `${what}ProvisionedThroughputExceeded`,
      dimensionsMap: { StreamName: stream },
      statistic: Stats.SUM,
      period: FIVE_MINUTES,
    })
  // A throttled request is sent again, so only a shard that is too small for long is an alarm.
  const more = { evaluationPeriods: 3 }
  return [
    {
      ...{ name: 'StreamWritesThrottled', metric: throttled('Write'), threshold: 1, more },
      description: 'for a quarter of an hour a shard gets more than 1 MB or 1,000 records a second',
    },
    {
      ...{ name: 'StreamReadsThrottled', metric: throttled('Read'), threshold: 1, more },
      description: 'for a quarter of an hour a shard is read more often than five times a second',
    },
  ]
}

/** Alarm for the disks of an MSK cluster. A broker with a full disk stops. */
export function diskAlarm(cluster: string, brokers: number): LogAlarm {
  const used = Array.from({ length: brokers }, (_, index) => {
    const metric = new Metric({
      namespace: 'AWS/Kafka',
      metricName: 'KafkaDataLogsDiskUsed',
      dimensionsMap: { 'Cluster Name': cluster, 'Broker ID': String(index + 1) },
      statistic: Stats.MAXIMUM,
      period: FIVE_MINUTES,
    })
    return [`broker${index + 1}`, metric] as const
  })
  const fullest = new MathExpression({
    expression: 'MAX(METRICS())',
    usingMetrics: Object.fromEntries(used),
    label: 'disk of the fullest broker, percent',
    period: FIVE_MINUTES,
  })
  return {
    ...{ name: 'BrokerDiskFull', metric: fullest, threshold: FULL_PERCENT },
    description: 'the disk of a broker is nearly full: a broker with a full disk stops',
  }
}
