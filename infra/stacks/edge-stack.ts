import { Duration, Stack } from 'aws-cdk-lib'
import { CfnBudget } from 'aws-cdk-lib/aws-budgets'
import { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { CfnDelivery, CfnDeliveryDestination, CfnDeliverySource } from 'aws-cdk-lib/aws-logs'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import type { Construct } from 'constructs'
import { Alarms } from '../constructs/alarms.ts'
import type { LandcoverStackProps } from './state-stack.ts'

/** Shares of the budget, percent, at which it sends a message. */
const SPENT_PERCENT = [50, 80, 100]

/** Share of answers with a 5xx, percent, that is an alarm. */
const FAILED_PERCENT = 5

/**
 * Requests and bytes in five minutes that are an alarm. Only CloudFront itself has no limit of its own for strangers; a
 * dashboard that is open makes 300 requests and less than 1 MB in this time.
 */
const MANY_REQUESTS = 100_000
const MANY_BYTES = 1024 ** 3

/**
 * Stack in us-east-1 for what exists only there: CloudFront's metrics and access logs, and budgets. The pipeline stack
 * tells it the id of the distribution by a parameter.
 */
export class EdgeStack extends Stack {
  constructor(scope: Construct, id: string, props: LandcoverStackProps) {
    super(scope, id, props)
    const { stage, names } = props
    const alarms = new Alarms(this, 'EdgeAlarms', {
      topicName: names.edgeAlarmTopic,
      mail: stage.alarmMail,
      nameOf: name => `landcover-${stage.name}-${name}-${names.region}`,
    })
    const distributionId = StringParameter.valueForStringParameter(this, names.distributionParameter)
    addAlarms(alarms, distributionId, stage.reads.access === 'allowlist' ? names.allowlistFunction : null)
    this.#addAccessLogs(distributionId, props)
    if (stage.monthlyBudget !== null) addBudget(alarms, stage.monthlyBudget, props)
  }

  /** Delivers CloudFront's access logs to the bucket, with standard logging v2: the older one knows no opt-in regions. */
  #addAccessLogs(distributionId: string, { names }: LandcoverStackProps): void {
    const source = new CfnDeliverySource(this, 'AccessLogSource', {
      name: `${names.global}-access`,
      logType: 'ACCESS_LOGS',
      resourceArn: this.formatArn({
        service: 'cloudfront',
        region: '',
        resource: 'distribution',
        resourceName: distributionId,
      }),
    })
    const destination = new CfnDeliveryDestination(this, 'AccessLogDestination', {
      name: `${names.global}-access`,
      outputFormat: 'w3c',
      destinationResourceArn: `arn:${this.partition}:s3:::${names.logBucket}/cloudfront`,
    })
    const delivery = new CfnDelivery(this, 'AccessLogDelivery', {
      deliverySourceName: source.name,
      deliveryDestinationArn: destination.attrArn,
    })
    delivery.addResourceDependency(source)
  }
}

function addAlarms(alarms: Alarms, distributionId: string, allowlistFunction: string | null): void {
  const period = Duration.minutes(5)
  const metric = (metricName: string, statistic: string, dimensions: Record<string, string>) =>
    new Metric({
      ...{ namespace: 'AWS/CloudFront', metricName, statistic, period },
      dimensionsMap: { ...dimensions, Region: 'Global' },
    })
  const failed = metric('5xxErrorRate', 'avg', { DistributionId: distributionId })
  alarms.add('CloudFrontFails', failed, FAILED_PERCENT, 'CloudFront answers viewers with 5xx')
  const ofDistribution = { DistributionId: distributionId }
  const why = 'more than hundreds of dashboards make: somebody may want to cause costs'
  alarms.add(
    'ManyRequests',
    metric('Requests', 'sum', ofDistribution),
    MANY_REQUESTS,
    `CloudFront gets requests, ${why}`,
  )
  const bytes = metric('BytesDownloaded', 'sum', ofDistribution)
  alarms.add('ManyBytes', bytes, MANY_BYTES, `CloudFront sends bytes, ${why}`)
  if (allowlistFunction === null) return
  const ofFunction = { FunctionName: allowlistFunction }
  for (const [name, metricName] of [
    ['AllowlistFails', 'FunctionExecutionErrors'],
    ['AllowlistInvalid', 'FunctionValidationErrors'],
    ['AllowlistThrottled', 'FunctionThrottles'],
  ] as const) {
    const errors = metric(metricName, 'sum', ofFunction)
    alarms.add(name, errors, 1, 'the CloudFront function of the allowlist fails: viewers get 503')
  }
}

/** Adds a budget for the resources of the stage, told by their tag. */
function addBudget(alarms: Alarms, amount: number, { stage, names }: LandcoverStackProps): void {
  alarms.allow('budgets.amazonaws.com')
  const subscribers = [{ subscriptionType: 'SNS', address: alarms.topic.topicArn }]
  const notification = (notificationType: 'ACTUAL' | 'FORECASTED', threshold: number) => ({
    notification: { notificationType, comparisonOperator: 'GREATER_THAN', threshold, thresholdType: 'PERCENTAGE' },
    subscribers,
  })
  const budget = new CfnBudget(alarms, 'Budget', {
    budget: {
      budgetName: names.global,
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount, unit: 'USD' },
      costFilters: { TagKeyValue: [`user:landcover-stage$${stage.name}`] },
    },
    notificationsWithSubscribers: [
      ...SPENT_PERCENT.map(percent => notification('ACTUAL', percent)),
      // A forecast needs some weeks of data.
      notification('FORECASTED', 100),
    ],
  })
  // Budgets checks at its creation that it may publish to the topic.
  budget.node.addDependency(alarms.topic)
}
