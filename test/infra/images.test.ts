import { describe, expect, it } from 'vitest'
import { systemOf } from '../../functions/images/sites/projection.ts'
import { LAST_ATTEMPT_MS } from '../../functions/ingest/retry.ts'
import { PROJECTIONS } from '../../infra/constructs/bundles.ts'
import { DELIVERIES, VISIBILITY } from '../../infra/constructs/images.ts'
import { stacksOf } from './stacks-of.ts'

describe('a stage that observes scenes', () => {
  const { properties, all } = stacksOf('dev with scenes')
  const queues = () => properties('AWS::SQS::Queue')
  const named = (name: string) => queues().find(({ QueueName }) => QueueName === name)

  it('has a bucket that tells the queue of new items, and the policy before the bucket', () => {
    const bucket = all('AWS::S3::Bucket').find(({ Properties }) => Properties.NotificationConfiguration)
    expect(bucket?.Properties.NotificationConfiguration).toEqual({
      QueueConfigurations: [
        {
          Event: 's3:ObjectCreated:*',
          Queue: expect.anything(),
          Filter: { S3Key: { Rules: [{ Name: 'suffix', Value: '.json' }] } },
        },
      ],
    })
    expect(JSON.stringify(bucket)).toMatch(/ImagesQueuePolicy/)
  })

  it('delivers a message again while its publication may be continued, then puts it aside', () => {
    const { VisibilityTimeout, RedrivePolicy } = named('landcover-dev-scenes') as Record<string, unknown>
    expect(VisibilityTimeout).toBe(VISIBILITY.toSeconds())
    expect(RedrivePolicy).toMatchObject({ maxReceiveCount: DELIVERIES })
    expect(VISIBILITY.toMilliseconds() * DELIVERIES).toBeLessThan(LAST_ATTEMPT_MS)
    expect(named('landcover-dev-scenes-refused')).not.toHaveProperty('RedrivePolicy')
  })

  it('limits how many scenes are observed at the same time, each by its own call', () => {
    const [mapping] = properties('AWS::Lambda::EventSourceMapping').filter(({ StartingPosition }) => !StartingPosition)
    expect(mapping).toMatchObject({
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 2 },
    })
  })

  it('subscribes to topics in their own region', () => {
    expect(properties('AWS::SNS::Subscription')).toContainEqual(
      expect.objectContaining({ Region: 'us-west-2', Protocol: 'sqs', RawMessageDelivery: true }),
    )
  })

  it('lets the function read images of its buckets only, and write nothing but publications', () => {
    const policy = properties('AWS::IAM::Policy').find(({ PolicyName }) => String(PolicyName).startsWith('ImagesRole'))
    const { Statement } = (policy as { PolicyDocument: unknown }).PolicyDocument as {
      Statement: { Action: string | string[]; Resource: unknown }[]
    }
    const resourcesOf = (action: string) =>
      JSON.stringify(Statement.filter(({ Action }) => [Action].flat().includes(action)).map(({ Resource }) => Resource))
    expect(resourcesOf('s3:PutObject')).toMatch(/observed\/\*/)
    expect(resourcesOf('s3:PutObject')).not.toMatch(/scenes|archive|sites/)
    expect(resourcesOf('s3:GetObject')).toMatch(/public-scenes\/\*/)
    expect(resourcesOf('s3:DeleteObject')).toBe('[]')
  })
})

describe('the bundle of the function', () => {
  it('has the projection of each system that is known', () => {
    const known = [32629, 32733, 3857, 3035, 3031, 3413, 6933, 2154, 5070, 3006, 2180, 2193, 3577, 4326]
    const projections = known.map(code => /\+proj=(\w+)/.exec(systemOf(code, 'a scene'))?.[1] as string)
    const builtIn = ['longlat', 'merc']
    expect(projections.filter(name => ![...PROJECTIONS, ...builtIn].includes(name as 'utm'))).toEqual([])
  })
})
