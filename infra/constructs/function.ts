import { type Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import type { Variables } from '../../functions/runtime/aws/variables.ts'
import type { Stage } from '../stages.ts'
import { bundleOf, type FunctionName } from './bundles.ts'
import { manyResources, suppressNag } from './nag-suppressions.ts'

/** Settings of one deployed function. */
export interface FunctionOptions {
  memoryMb: number
  timeout: Duration
  variables: Partial<Variables>
  /** Traced by X-Ray. Each call costs money, so only functions that people wait for are traced. */
  isTraced?: boolean
  /** Addresses of services that replace AWS's own, for LocalStack and tests. */
  extraVariables?: Record<string, string>
}

/** Lambda function from its bundle. It may only write its log until it is granted more. */
export function deployedFunction(
  scope: Construct,
  stage: Stage,
  name: FunctionName,
  { memoryMb, timeout, variables, isTraced = false, extraVariables = {} }: FunctionOptions,
): LambdaFunction {
  const functionName = `landcover-${stage.name}-${name}`
  const logGroup = new LogGroup(scope, 'Log', {
    logGroupName: `/aws/lambda/${functionName}`,
    retention: stage.logDays,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
  logGroup.grantWrite(role)
  const deployed = new LambdaFunction(scope, 'Function', {
    functionName,
    role,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    handler: 'index.handler',
    code: Code.fromAsset(bundleOf(name)),
    memorySize: memoryMb,
    timeout,
    logGroup,
    tracing: isTraced ? Tracing.ACTIVE : Tracing.DISABLED,
    environment: {
      LANDCOVER_STAGE: stage.name,
      LANDCOVER_SLOT_MS: String(stage.slotMs),
      ...variables,
      ...extraVariables,
    },
  })
  if (isTraced) suppressNag(role, 'The actions of X-Ray do not support single resources.', manyResources('*'))
  return deployed
}
