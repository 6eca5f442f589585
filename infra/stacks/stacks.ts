import type { App } from 'aws-cdk-lib'
import { namesOf } from '../names.ts'
import { EDGE_REGION } from '../regions.ts'
import type { Stage } from '../stages.ts'
import { EdgeStack } from './edge-stack.ts'
import { PipelineStack } from './pipeline-stack.ts'
import { type LandcoverStackProps, StateStack } from './state-stack.ts'

/** All stacks of a stage. Stages without CloudFront have no edge stack. */
export function landcoverStacks(app: App, stage: Stage, account: string, region: string): void {
  const names = namesOf(stage, account, region)
  const props: LandcoverStackProps = { stage, names, env: { account, region } }
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
  if (!stage.cloudFront) return
  const edge = new EdgeStack(app, `landcover-${stage.name}-edge-${region}`, {
    ...props,
    env: { account, region: EDGE_REGION },
    description: `landcover, stage ${stage.name} in ${region}: alarms and logs of CloudFront, and the budget`,
  })
  edge.addStackDependency(pipeline)
}
