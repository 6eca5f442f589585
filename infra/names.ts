import type { Stage } from './stages.ts'

/**
 * What the stacks call the things that they share. Names instead of exports: a stack that exports a value to another
 * cannot be changed any more where the other uses it.
 */
export function namesOf(stage: Pick<Stage, 'name'>, account: string, region: string) {
  const name = `landcover-${stage.name}`
  return {
    stream: `${name}-images`,
    cluster: name,
    topic: 'image-events',
    /** Of AWS Systems Manager: what one stack tells the other of the brokers, and of the readers. */
    logParameters: `/landcover/${stage.name}/log`,
    userPoolParameter: `/landcover/${stage.name}/readers/user-pool`,
    /** Names of the pages to sign in at are a region's. */
    signInDomain: `${name}-${account}`,
    /** Names of buckets are the whole world's. */
    bucket: `${name}-${account}-${region}`,
    siteBucket: `${name}-site-${account}-${region}`,
    logBucket: `${name}-logs-${account}-${region}`,
    keyspace: `landcover_${stage.name}`,
    bus: name,
    database: `landcover_${stage.name}`,
    workGroup: name,
    alarmTopic: `${name}-alarms`,
    anomalyTopic: `${name}-anomalies`,
  }
}
export type Names = ReturnType<typeof namesOf>
