import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ASSUMED } from '../../infra/tools/cost-assumptions.ts'
import { type Reach, worstDay } from '../../infra/tools/worst-day.ts'
import type { Deployment } from './deployments.ts'
import { type Synthesized, synthesized } from './synthesized.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/cost.md'), 'utf8')

interface Throttle {
  HttpMethod: string
  ResourcePath: string
  ThrottlingRateLimit: number
}

/** Finds in the templates what strangers can reach. */
function reachOf({ properties }: Synthesized): Reach {
  const isOpen = properties('AWS::CloudFront::Function').length === 0
  const settings = properties('AWS::ApiGateway::Stage').flatMap(({ MethodSettings }) => MethodSettings as Throttle[])
  const rateOf = (method: unknown) =>
    (settings.find(({ HttpMethod }) => HttpMethod === method) ?? settings.find(({ HttpMethod }) => HttpMethod === '*'))
      ?.ThrottlingRateLimit ?? Number.POSITIVE_INFINITY
  const reachable = properties('AWS::ApiGateway::Method').filter(
    ({ AuthorizationType, ApiKeyRequired }) => AuthorizationType === 'NONE' && (isOpen || !ApiKeyRequired),
  )
  const [stream] = properties('AWS::Kinesis::Stream')
  const perSecond = (metric: string) => {
    const [alarm] = properties('AWS::CloudWatch::Alarm').filter(({ MetricName }) => MetricName === metric)
    return Number(alarm?.Threshold ?? Number.POSITIVE_INFINITY) / Number(alarm?.Period)
  }
  return {
    apiPerSecond: reachable.reduce((sum, { HttpMethod }) => sum + rateOf(HttpMethod), 0),
    lanes: Number(stream?.ShardCount ?? ASSUMED.onDemandShards),
    alarmRequestsPerSecond: perSecond('Requests'),
    alarmBytesPerSecond: perSecond('BytesDownloaded'),
    hasFunction: !isOpen,
  }
}

/** Highest dollars a day that strangers may cause behind CloudFront, and below its alarms. */
const BOUNDS: [Deployment, behindCloudFront: number, ofCloudFront: number][] = [
  ['dev', 0, 65],
  ['prod', 0, 65],
  ['prod with readers who sign in', 0, 65],
  ['dev for everybody', 65, 65],
  ['prod with allowed origins', 0, 65],
]

describe.each(BOUNDS)('strangers who read %s', (deployment, behindCloudFront, ofCloudFront) => {
  it(`cause at most ${behindCloudFront} dollars a day behind CloudFront, and ${ofCloudFront} before its alarms`, async () => {
    const worst = worstDay(reachOf(await synthesized(deployment)))
    expect(worst.behindCloudFront).toBeLessThanOrEqual(behindCloudFront)
    expect(worst.ofCloudFront).toBeLessThanOrEqual(ofCloudFront)
    const row = `| ${deployment.padEnd(29)} | ${worst.behindCloudFront.toFixed(2).padStart(17)} | ${worst.ofCloudFront.toFixed(2).padStart(27)} |`
    expect(PAGE).toContain(row)
  })
})

it('a stage whose API can be called without CloudFront is detected', async () => {
  const { properties, ...rest } = await synthesized('dev')
  const withoutKey = (type: string) =>
    properties(type).map(each =>
      type === 'AWS::ApiGateway::Method' ? { ...each, ApiKeyRequired: false, AuthorizationType: 'NONE' } : each,
    )
  expect(worstDay(reachOf({ ...rest, properties: withoutKey })).behindCloudFront).toBeGreaterThan(50)
})
