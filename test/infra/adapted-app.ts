import { stageApp } from '../../infra/app.ts'

/** Runs infra/app.ts with a changed stage. The environment variable STAGE_CHANGE holds the changes as JSON. */
await stageApp(stage => ({ ...stage, ...JSON.parse(process.env.STAGE_CHANGE as string) }))
