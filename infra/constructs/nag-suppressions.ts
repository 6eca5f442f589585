import { Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

/** Accepts findings of cdk-nag, with the reason. */
export function suppressNag(scope: IConstruct, reason: string, ...ids: string[]): void {
  for (const id of ids) Validations.of(scope).acknowledge({ id, reason })
}

/** Id of the finding that a policy allows many resources at once. */
export function manyResources(resource: string): string {
  return `AwsSolutions-IAM5[Resource::${resource}]`
}
