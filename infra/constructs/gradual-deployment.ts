import type { IAlarm } from 'aws-cdk-lib/aws-cloudwatch'
import { LambdaApplication, LambdaDeploymentConfig, LambdaDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy'
import { Alias, type IFunction, type IVersion, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { suppressNag } from './nag-suppressions.ts'

/** Name of the alias that callers of a function use. */
const ALIAS = 'live'

/**
 * Alias of a function that CodeDeploy moves to a new version at a deployment: a tenth of the calls goes there for ten
 * minutes, then all. When one of its alarms begins, all calls go to the old version again, and CloudFormation takes the
 * whole deployment back.
 */
export class GradualDeployment extends Construct {
  /** What callers call. */
  readonly alias: IFunction
  readonly #group: LambdaDeploymentGroup

  constructor(scope: Construct, target: LambdaFunction, name: string) {
    super(scope, 'Gradual')
    // The classes of CDK do not match its interfaces under TypeScript's exactOptionalPropertyTypes.
    const alias = new Alias(this, 'Alias', { aliasName: ALIAS, version: target.currentVersion as IVersion })
    this.alias = alias as IFunction
    this.#group = new LambdaDeploymentGroup(this, 'Group', {
      application: new LambdaApplication(this, 'Application', { applicationName: name }),
      deploymentGroupName: name,
      alias,
      deploymentConfig: LambdaDeploymentConfig.CANARY_10PERCENT_10MINUTES,
    })
    suppressNag(
      this.#group,
      "CodeDeploy's role for functions, made by AWS: it changes aliases and reads alarms.",
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]',
    )
  }

  /** Takes deployments back when an alarm begins. */
  rollBackOn(...alarms: readonly IAlarm[]): void {
    for (const alarm of alarms) this.#group.addAlarm(alarm)
  }
}
