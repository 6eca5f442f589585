import { Stack } from 'aws-cdk-lib'
import { AwsCustomResource, type AwsCustomResourceProps } from 'aws-cdk-lib/custom-resources'
import type { Construct } from 'constructs'
import { suppressNag } from './nag-suppressions.ts'

/** Call of AWS's API at deployments, for what CloudFormation cannot do. A function of CDK makes it. */
export function awsCall(
  scope: Construct,
  id: string,
  props: Pick<AwsCustomResourceProps, 'resourceType' | 'onUpdate' | 'onDelete' | 'policy'>,
): AwsCustomResource {
  const call = new AwsCustomResource(scope, id, { ...props, installLatestAwsSdk: false })
  const provider = Stack.of(scope).node.children.find(({ node }) =>
    node.id.startsWith('AWS679f53fac002430cb0da5b7982bd2287'),
  )
  if (!provider) throw new Error("CDK's function that calls AWS was not found: CDK changed its construct id")
  suppressNag(
    provider,
    "CDK's own function, which runs only at deployments.",
    'AwsSolutions-L1',
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
  )
  return call
}
