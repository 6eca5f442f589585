import { describe, expect, it } from 'vitest'
import { DEPLOYMENTS, type Deployment } from './deployments.ts'

import { stacksOf } from './stacks-of.ts'

/** Deployments with CloudFront. */
const IN_FRONT = (Object.keys(DEPLOYMENTS) as Deployment[]).filter(name => DEPLOYMENTS[name].stage !== 'local')

describe.each(IN_FRONT)('the edge stack and the copies of the page of %s', deployment => {
  const { access, properties, edge } = stacksOf(deployment)

  it('have a name in every region for what is unique in an account, so that two regions can have the same stage', () => {
    const named = [
      ...properties('AWS::CloudFront::CachePolicy').map(each => (each.CachePolicyConfig as { Name: string }).Name),
      ...properties('AWS::CloudFront::ResponseHeadersPolicy').map(
        each => (each.ResponseHeadersPolicyConfig as { Name: string }).Name,
      ),
      ...properties('AWS::CloudFront::Function').map(({ Name }) => Name),
      ...properties('AWS::Budgets::Budget').map(({ Budget }) => (Budget as { BudgetName: string }).BudgetName),
      ...edge('AWS::CloudWatch::Alarm').map(({ AlarmName }) => AlarmName),
      ...edge('AWS::SNS::Topic').map(({ TopicName }) => TopicName),
      ...edge('AWS::Logs::DeliverySource').map(({ Name }) => Name),
      ...edge('AWS::Logs::DeliveryDestination').map(({ Name }) => Name),
    ]
    expect(named.length).toBeGreaterThan(6)
    for (const name of named) expect(name).toContain('eu-central-1')
  })

  it('have the budget, the alarms and the logs of CloudFront in us-east-1, the only region where they can be', () => {
    for (const type of ['AWS::Budgets::Budget', 'AWS::Logs::DeliverySource', 'AWS::Logs::Delivery']) {
      expect(properties(type), type).toHaveLength(1)
      expect(edge(type), type).toHaveLength(1)
    }
    const ofCloudFront = properties('AWS::CloudWatch::Alarm').filter(({ Namespace }) => Namespace === 'AWS/CloudFront')
    expect(ofCloudFront).toHaveLength(access === 'allowlist' ? 6 : 3)
    expect(edge('AWS::CloudWatch::Alarm')).toEqual(ofCloudFront)
    for (const alarm of ofCloudFront) {
      expect(alarm.Dimensions).toContainEqual({ Name: 'Region', Value: 'Global' })
    }
  })

  it('watch the CloudFront function by its name', () => {
    const [name] = properties('AWS::CloudFront::Function').map(({ Name }) => Name)
    const watched = edge('AWS::CloudWatch::Alarm').flatMap(({ Dimensions }) =>
      (Dimensions as { Name: string; Value: unknown }[]).flatMap(({ Name, Value }) =>
        Name === 'FunctionName' ? [Value] : [],
      ),
    )
    expect(new Set(watched)).toEqual(new Set(name ? [name] : []))
  })

  it('send a message at half, four fifths and all of the budget, and for a forecast above it', () => {
    const told = properties('AWS::Budgets::Budget').flatMap(({ NotificationsWithSubscribers }) =>
      (NotificationsWithSubscribers as { Notification: object }[]).map(({ Notification }) => Notification),
    )
    expect(told).toMatchObject([
      { NotificationType: 'ACTUAL', Threshold: 50 },
      { NotificationType: 'ACTUAL', Threshold: 80 },
      { NotificationType: 'ACTUAL', Threshold: 100 },
      { NotificationType: 'FORECASTED', Threshold: 100 },
    ])
  })

  it('let browsers keep the files whose names hold a hash, and ask for the page each time', () => {
    const copies = properties('Custom::CDKBucketDeployment')
    const [assets, page] = [copies.find(({ Prune }) => Prune === false), copies.find(({ Prune }) => Prune !== false)]
    expect(assets?.SystemMetadata).toEqual({ 'cache-control': 'public, max-age=31536000, immutable' })
    expect(page).toMatchObject({ SystemMetadata: { 'cache-control': 'no-cache' }, Exclude: ['assets/*'] })
  })
})
