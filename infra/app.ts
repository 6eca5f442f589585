import { App, Tags, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { buildBundles, type LogKind } from './constructs/bundles.ts'
import { checkRegion, EDGE_REGION, NO_ACCOUNT } from './regions.ts'
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
  const { account, region } = environment()
  await makeBundles(stage.eventLog.kind === 'kinesis' ? 'kinesis' : 'kafka')
  landcoverStacks(app, stage, account, region)
  Tags.of(app).add('landcover-stage', stage.name)
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  return app
}

/**
 * Account and region of the credentials. Without credentials the templates can still be made and read, with a
 * placeholder as account; `cdk deploy` then stops, because it cannot sign in to it.
 */
function environment(): { account: string; region: string } {
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region = EDGE_REGION } = process.env
  checkRegion(region)
  if (account) return { account, region }
  process.stderr.write(
    `No AWS credentials: the templates are for account ${NO_ACCOUNT} and region ${region}. To deploy, sign in first.\n`,
  )
  return { account: NO_ACCOUNT, region }
}

if (import.meta.main) await stageApp()
