import { stageApp } from '../../infra/app.ts'

/** infra/app.ts with a stage that differs by what the environment variable says, as JSON. */
await stageApp(stage => ({ ...stage, ...JSON.parse(process.env.STAGE_CHANGE as string) }))
