import { RemovalPolicy } from 'aws-cdk-lib'
import type { Stage } from '../stages.ts'

/**
 * Policy of resources with data. They stay when a stage is destroyed, unless it is disposable. If the deployment that
 * creates them fails they are removed again: their names are fixed, so the next deployment would find them taken.
 */
export function dataRemoval({ disposable }: Stage): RemovalPolicy {
  return disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
}
