import { Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

/** Findings of cdk-nag that are meant to be as they are; each with its reason. */
export function acknowledge(scope: IConstruct, reason: string, ...ids: string[]): void {
  for (const id of ids) Validations.of(scope).acknowledge({ id, reason })
}

/** The finding that a policy names many resources at once. */
export function manyResources(resource: string): string {
  return `AwsSolutions-IAM5[Resource::${resource}]`
}
