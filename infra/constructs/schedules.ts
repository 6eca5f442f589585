import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations'
import { CfnSchedule, type IScheduleGroup, ScheduleExpression, ScheduleGroup } from 'aws-cdk-lib/aws-scheduler'
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { Names } from '../names.ts'
import { suppressNag } from './nag-suppressions.ts'

/** Schedules of a stage, and the queue of their failed calls: those that could not start, and those that failed. */
export class Schedules extends Construct {
  readonly group: IScheduleGroup
  /** Failed calls. Each message has the input of the call, and the error. */
  readonly failed: IQueue
  /** Number of failed calls in the queue. */
  readonly failures: Metric

  constructor(scope: Construct, names: Names) {
    super(scope, 'Scheduled')
    this.group = new ScheduleGroup(this, 'Group', {
      scheduleGroupName: names.scheduleGroup,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const queue = new Queue(this, 'Failed', {
      queueName: names.failedCalls,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // A few failures are normal. They leave by themselves.
      retentionPeriod: Duration.days(4),
      removalPolicy: RemovalPolicy.DESTROY,
    })
    suppressNag(queue, 'It is itself the queue of what failed. Nobody takes messages from it.', 'AwsSolutions-SQS3')
    this.failed = queue as IQueue
    this.failures = queue.metricApproximateNumberOfMessagesVisible({ statistic: 'max', period: Duration.minutes(5) })
  }

  /** Lets Lambda not repeat a failed call by itself, but note it: the schedule's next call comes soon. */
  callOnce(target: LambdaFunction): void {
    target.configureAsyncInvoke({
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
      onFailure: new SqsDestination(this.failed),
    })
  }

  /** Calls a function again and again. A call that cannot start is noted and not repeated: the next one comes soon. */
  every(scope: Construct, period: Duration, target: LambdaFunction, input?: object): void {
    const role = new Role(scope, 'ScheduleRole', { assumedBy: new ServicePrincipal('scheduler.amazonaws.com') })
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target.functionArn] }))
    this.failed.grantSendMessages(role)
    new CfnSchedule(scope, 'Schedule', {
      groupName: this.group.scheduleGroupName,
      scheduleExpression: ScheduleExpression.rate(period).expressionString,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: target.functionArn,
        ...(input && { input: JSON.stringify(input) }),
        roleArn: role.roleArn,
        deadLetterConfig: { arn: this.failed.queueArn },
        // A late call is useless: the next one comes soon.
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      },
    })
  }
}
