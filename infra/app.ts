import { App, Tags, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { buildBundles } from './bundles.ts'
import { landcoverStacks } from './stacks.ts'
import { stageNamed } from './stages.ts'

/** `cdk deploy --all -c stage=dev` */
await buildBundles()
const app = new App()
const stage = stageNamed(app.node.tryGetContext('stage'), name => app.node.tryGetContext(name))
landcoverStacks(app, stage, process.env.CDK_DEFAULT_ACCOUNT, process.env.CDK_DEFAULT_REGION)
Tags.of(app).add('landcover-stage', stage.name)
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
