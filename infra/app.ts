import { App, Tags, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { buildBundles, type LogKind } from './constructs/bundles.ts'
import { landcoverStacks } from './stacks/stacks.ts'
import { type Stage, stageNamed } from './stages.ts'

/** Differences from `cdk`, for tests. */
interface Changes {
  adapt?(stage: Stage): Stage
  makeBundles?(log: LogKind): Promise<unknown>
}

/** CDK app of `cdk deploy --all -c stage=dev`. */
export async function stageApp({ adapt = stage => stage, makeBundles = buildBundles }: Changes = {}): Promise<App> {
  const app = new App()
  const stage = adapt(stageNamed(app.node.tryGetContext('stage'), name => app.node.tryGetContext(name)))
  await makeBundles(stage.eventLog.kind === 'kinesis' ? 'kinesis' : 'kafka')
  landcoverStacks(app, stage, process.env.CDK_DEFAULT_ACCOUNT, process.env.CDK_DEFAULT_REGION)
  Tags.of(app).add('landcover-stage', stage.name)
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  return app
}

if (import.meta.main) await stageApp()
