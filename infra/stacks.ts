import type { App } from 'aws-cdk-lib'
import { namesOf } from './names.ts'
import { PipelineStack } from './pipeline-stack.ts'
import type { Stage } from './stages.ts'
import { type LandcoverStackProps, StateStack } from './state-stack.ts'

/**
 * Both stacks of a stage.
 *
 * @throws Error where account and region are not known: names of buckets hold them
 */
export function landcoverStacks(app: App, stage: Stage, account: string | undefined, region: string | undefined) {
  if (!account || !region) throw new Error('sign in to AWS first: account and region are not known')
  const props: LandcoverStackProps = { stage, names: namesOf(stage, account, region), env: { account, region } }
  const state = new StateStack(app, `landcover-${stage.name}-state`, {
    ...props,
    description: `landcover, stage ${stage.name}: what must survive`,
    terminationProtection: !stage.disposable,
  })
  const pipeline = new PipelineStack(app, `landcover-${stage.name}-pipeline`, {
    ...props,
    description: `landcover, stage ${stage.name}: what works on the state`,
  })
  pipeline.addStackDependency(state)
  return { state, pipeline }
}
