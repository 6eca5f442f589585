import { Duration } from 'aws-cdk-lib'
import { AccountRecovery, FeaturePlan, Mfa, UserPool } from 'aws-cdk-lib/aws-cognito'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import { Construct } from 'constructs'
import type { Names } from '../names.ts'
import type { Stage } from '../stages.ts'
import { suppressNag } from './nag-suppressions.ts'
import { dataRemoval } from './removal.ts'

/** User pool of the readers. People cannot create accounts themselves: use `aws cognito-idp admin-create-user`. */
export class ReaderPool extends Construct {
  constructor(scope: Construct, stage: Stage, names: Names) {
    super(scope, 'Readers')
    const pool = new UserPool(this, 'Pool', {
      userPoolName: `landcover-${stage.name}`,
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      passwordPolicy: {
        minLength: 12,
        requireDigits: true,
        requireLowercase: true,
        requireUppercase: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(7),
      },
      mfa: Mfa.REQUIRED,
      mfaSecondFactor: { otp: true, sms: false },
      featurePlan: FeaturePlan.ESSENTIALS,
      removalPolicy: dataRemoval(stage),
    })
    suppressNag(pool, 'The plus tier is paid for each reader; all readers have a second factor.', 'AwsSolutions-COG8')
    pool.addDomain('Domain', { cognitoDomain: { domainPrefix: names.signInDomain } })
    new StringParameter(this, 'PoolParameter', {
      parameterName: names.userPoolParameter,
      stringValue: pool.userPoolId,
    })
  }
}
