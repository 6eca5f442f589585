import { beforeAll } from 'vitest'
import type { Stage } from '../../infra/stages.ts'
import { DEPLOYMENTS, type Deployment, type Resource, type StageName } from './deployments.ts'
import { type Synthesized, synthesized } from './synthesized.ts'

/** Stacks of a deployment in its tests. The templates are there from `beforeAll` on. */
export function stacksOf(deployment: Deployment) {
  const stage: StageName = DEPLOYMENTS[deployment].stage
  const { allowedOrigins = [], reads } = DEPLOYMENTS[deployment].change as Partial<Stage>
  const { access } =
    reads ??
    ({ dev: { access: 'cognito' }, prod: { access: 'allowlist' }, local: { access: 'public' } } as const)[stage]
  const signIn = access === 'cognito'
  const log = 'eventLog' in DEPLOYMENTS[deployment].change ? DEPLOYMENTS[deployment].change.eventLog.kind : 'kinesis'
  const images = (DEPLOYMENTS[deployment].change as Partial<Stage>).images ?? null
  let stacks: Synthesized
  beforeAll(async () => {
    stacks = await synthesized(deployment)
  })
  const all = (type: string): Resource[] =>
    stacks.resources
      .values()
      .filter(({ Type }) => Type === type)
      .toArray()
  const properties = (type: string) => stacks.properties(type)
  const apiBehaviors = () =>
    properties('AWS::CloudFront::Distribution').flatMap(({ DistributionConfig }) => {
      const { CacheBehaviors } = DistributionConfig as { CacheBehaviors: Record<string, unknown>[] }
      return CacheBehaviors.filter(({ PathPattern }) => PathPattern === '/api/*')
    })
  /** Properties of the resources of a type in the edge stack. */
  const edge = (type: string) => stacks.edge.flatMap(([, { Type, Properties }]) => (Type === type ? [Properties] : []))
  const text = () => JSON.stringify([...stacks.resources])
  return {
    stage,
    images,
    access,
    signIn,
    allowedOrigins,
    log,
    all,
    properties,
    apiBehaviors,
    edge,
    text,
    stacks: () => stacks,
  }
}
