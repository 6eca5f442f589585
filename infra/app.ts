import { App, Tags, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { buildBundles } from './bundles.ts'
import { landcoverStacks } from './stacks.ts'
import { type Stage, stageNamed } from './stages.ts'

/** CDK app of `cdk deploy --all -c stage=dev`. @param adapt changes the stage, for tests */
export async function stageApp(adapt = (stage: Stage): Stage => stage): Promise<void> {
  const app = new App()
  const stage = adapt(stageNamed(app.node.tryGetContext('stage'), name => app.node.tryGetContext(name)))
  await buildBundles(stage.eventLog.kind === 'kinesis' ? 'kinesis' : 'kafka')
  landcoverStacks(app, stage, process.env.CDK_DEFAULT_ACCOUNT, process.env.CDK_DEFAULT_REGION)
  Tags.of(app).add('landcover-stage', stage.name)
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
}

if (import.meta.main) await stageApp()
