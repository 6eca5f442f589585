import type { Stage } from './stages.ts'

/**
 * Names of the resources that both stacks use. Stacks share names instead of exports: CloudFormation does not allow a
 * stack to change an exported value while another stack uses it.
 */
export function namesOf(stage: Pick<Stage, 'name'>, account: string, region: string) {
  const name = `landcover-${stage.name}`
  return {
    region,
    /** Prefix of names that must be unique in an account, over all regions. */
    global: `${name}-${region}`,
    allowlistFunction: `${name}-${region}-allowlist`,
    stream: `${name}-images`,
    cluster: name,
    topic: 'image-events',
    /** Parameters in AWS Systems Manager that one stack writes for the other: brokers, and the readers' user pool. */
    logParameters: `/landcover/${stage.name}/log`,
    userPoolParameter: `/landcover/${stage.name}/readers/user-pool`,
    /** Names of sign-in domains must be unique in a region. */
    signInDomain: `${name}-${account}`,
    /** Names of buckets must be unique worldwide. */
    bucket: `${name}-${account}-${region}`,
    imageBucket: `${name}-scenes-${account}-${region}`,
    siteBucket: `${name}-site-${account}-${region}`,
    logBucket: `${name}-logs-${account}-${region}`,
    keyspace: `landcover_${stage.name}`,
    /** Bus of EventBridge to which incidents go. */
    bus: name,
    database: `landcover_${stage.name}`,
    workGroup: name,
    scheduleGroup: name,
    /** Queues of messages about scenes, and of those that could not be observed. */
    images: `${name}-scenes`,
    imagesRefused: `${name}-scenes-refused`,
    failedCalls: `${name}-failed-calls`,
    alarmTopic: `${name}-alarms`,
    /** Topic and parameter in us-east-1, where the stages of all regions meet. */
    edgeAlarmTopic: `${name}-${region}-alarms`,
    distributionParameter: `/landcover/${stage.name}/${region}/distribution`,
  }
}
/** Names of a stage's resources. */
export type Names = ReturnType<typeof namesOf>
