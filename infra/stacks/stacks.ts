import type { App } from 'aws-cdk-lib'
import { namesOf } from '../names.ts'
import type { Stage } from '../stages.ts'
import { PipelineStack } from './pipeline-stack.ts'
import { type LandcoverStackProps, StateStack } from './state-stack.ts'

/**
 * Both stacks of a stage.
 *
 * @throws Error if account or region is not known: names of buckets contain them
 */
export function landcoverStacks(app: App, stage: Stage, account: string | undefined, region: string | undefined) {
  if (!account || !region) throw new Error('account and region are not known: sign in to AWS first')
  const props: LandcoverStackProps = { stage, names: namesOf(stage, account, region), env: { account, region } }
  const state = new StateStack(app, `landcover-${stage.name}-state`, {
    ...props,
    description: `landcover, stage ${stage.name}: data that must survive`,
    terminationProtection: !stage.disposable,
  })
  const pipeline = new PipelineStack(app, `landcover-${stage.name}-pipeline`, {
    ...props,
    description: `landcover, stage ${stage.name}: functions that process the data`,
  })
  pipeline.addStackDependency(state)
  return { state, pipeline }
}
