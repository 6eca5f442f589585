import { describe, expect, it } from 'vitest'
import { producersToText } from '../../functions/adapters/row-encoding/row-encoding.ts'
import { rememberedMs } from '../../functions/core/slot.ts'
import { SECOND_MS } from '../../functions/core/time.ts'
import { READ_ONLY_CORS } from '../../functions/http/cors.ts'
import { hasNjs, inCloudFront } from '../support/cloudfront-runtime.ts'
import { DEPLOYMENTS, type Deployment } from './deployments.ts'

import { stacksOf } from './stacks-of.ts'

interface Throttle {
  HttpMethod: string
  ResourcePath: string
  ThrottlingRateLimit: number
  ThrottlingBurstLimit: number
}

const READS = ['GET', 'HEAD']
/** Maximum size of a row in Keyspaces, bytes. */
const KEYSPACES_ROW_LIMIT = 1024 ** 2

describe.each(Object.keys(DEPLOYMENTS) as Deployment[])('the API and the page of %s', deployment => {
  const { stage, access, signIn, allowedOrigins, all, properties, apiBehaviors, text } = stacksOf(deployment)

  it('accept only signed events and decisions', () => {
    const methods = properties('AWS::ApiGateway::Method')
    const posts = methods.filter(({ HttpMethod }) => HttpMethod === 'POST')
    expect(posts.map(({ AuthorizationType }) => AuthorizationType)).toEqual(['AWS_IAM', 'AWS_IAM'])
    const asked = allowedOrigins.length > 0 ? ['OPTIONS'] : []
    expect(methods.map(({ HttpMethod }) => HttpMethod).sort()).toEqual(['GET', 'HEAD', ...asked, 'POST', 'POST'])
  })

  it('move to a new version of the serving function step by step, and back when the API fails', () => {
    const aliases = all('AWS::Lambda::Alias')
    if (stage === 'local') {
      expect(aliases).toEqual([])
      return
    }
    expect(aliases).toHaveLength(1)
    expect(aliases[0]?.UpdatePolicy).toHaveProperty('CodeDeployLambdaAliasUpdate.DeploymentGroupName')
    const [group] = properties('AWS::CodeDeploy::DeploymentGroup')
    expect(group).toMatchObject({
      DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent10Minutes',
      AutoRollbackConfiguration: {
        Enabled: true,
        Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'],
      },
      AlarmConfiguration: { Enabled: true },
    })
    const alarms = JSON.stringify(group?.AlarmConfiguration)
    for (const name of ['ApiFails', 'ServingFails']) expect(alarms).toContain(name)
    // What is outside of the alias would meet the new version at once.
    const reads = properties('AWS::ApiGateway::Method').filter(({ HttpMethod }) => READS.includes(String(HttpMethod)))
    expect(reads).toHaveLength(READS.length)
    for (const { Integration } of reads) expect(JSON.stringify(Integration)).toContain('FrontGradualAlias')
  })

  if (stage !== 'local')
    it('cache an answer for exactly two seconds, so that a hundred dashboards cost as much as one', () => {
      const policies = properties('AWS::CloudFront::CachePolicy')
      expect(policies).toMatchObject([{ CachePolicyConfig: { MinTTL: 2, DefaultTTL: 2, MaxTTL: 2 } }])
    })

  if (allowedOrigins.length > 0) {
    it('let pages of allowed origins read, but not send, and no other origins', () => {
      const [{ ResponseHeadersPolicyConfig: policy } = {}] = properties(
        'AWS::CloudFront::ResponseHeadersPolicy',
      ).filter(({ ResponseHeadersPolicyConfig }) => (ResponseHeadersPolicyConfig as { CorsConfig?: object }).CorsConfig)
      expect(policy).toMatchObject({
        CorsConfig: {
          AccessControlAllowOrigins: { Items: allowedOrigins },
          AccessControlAllowMethods: { Items: ['GET', 'HEAD'] },
          AccessControlAllowHeaders: { Items: ['If-None-Match', ...(signIn ? ['Authorization'] : [])] },
          AccessControlExposeHeaders: { Items: READ_ONLY_CORS.exposedHeaders },
          AccessControlAllowCredentials: false,
        },
        SecurityHeadersConfig: { ContentTypeOptions: { Override: true } },
      })
      const [behavior] = apiBehaviors()
      expect(behavior?.AllowedMethods).toEqual(['GET', 'HEAD', 'OPTIONS'])
      expect(JSON.stringify(behavior?.ResponseHeadersPolicyId)).toContain('FrontApiHeaders')
    })

    it('answer preflight requests without a function or a token', () => {
      const methods = properties('AWS::ApiGateway::Method').filter(({ HttpMethod }) => HttpMethod === 'OPTIONS')
      expect(methods).toMatchObject([
        { AuthorizationType: 'NONE', Integration: { Type: 'MOCK' }, MethodResponses: [{ StatusCode: '204' }] },
      ])
    })
  }

  if (stage !== 'local' && allowedOrigins.length === 0)
    it('let no page of another origin read', () => {
      const [behavior] = apiBehaviors()
      expect(behavior?.AllowedMethods).toEqual(['GET', 'HEAD'])
      expect(text()).not.toContain('AccessControlAllow')
    })

  if (signIn) {
    it('let only people who signed in read', () => {
      const reads = properties('AWS::ApiGateway::Method').filter(({ HttpMethod }) => READS.includes(String(HttpMethod)))
      for (const read of reads) {
        expect(read).toMatchObject({ AuthorizationType: 'COGNITO_USER_POOLS', AuthorizationScopes: ['openid'] })
        expect(read).toHaveProperty('AuthorizerId')
      }
    })

    it('cache an answer only for the person who asked', () => {
      const [policy] = properties('AWS::CloudFront::CachePolicy')
      expect(policy).toMatchObject({
        CachePolicyConfig: {
          ParametersInCacheKeyAndForwardedToOrigin: { HeadersConfig: { Headers: ['Accept', 'Authorization'] } },
        },
      })
    })

    it('do not allow self sign-up, and require a second factor', () => {
      expect(properties('AWS::Cognito::UserPool')).toMatchObject([
        { AdminCreateUserConfig: { AllowAdminCreateUserOnly: true }, MfaConfiguration: 'ON' },
      ])
      expect(properties('AWS::Cognito::UserPoolClient')).toMatchObject([
        { AllowedOAuthFlows: ['code'], GenerateSecret: false, AllowedOAuthScopes: ['openid'] },
      ])
      for (const { DeletionPolicy } of all('AWS::Cognito::UserPool'))
        expect(DeletionPolicy).toBe(stage === 'prod' ? 'RetainExceptOnCreate' : 'Delete')
    })
  }

  if (stage !== 'local')
    it('let only CloudFront read: it adds a key that API Gateway requires, and nobody else has it', () => {
      const methods = properties('AWS::ApiGateway::Method').filter(({ HttpMethod }) => HttpMethod !== 'POST')
      for (const method of methods) expect(method.ApiKeyRequired).toBe(true)
      const origins = properties('AWS::CloudFront::Distribution').flatMap(
        ({ DistributionConfig }) => (DistributionConfig as { Origins: { OriginCustomHeaders?: object[] }[] }).Origins,
      )
      const headers = origins.flatMap(({ OriginCustomHeaders = [] }) => OriginCustomHeaders)
      const [key] = properties('AWS::ApiGateway::ApiKey')
      expect(headers).toEqual([{ HeaderName: 'x-api-key', HeaderValue: key?.Value }])
      expect(JSON.stringify(key?.Value)).toContain('resolve:secretsmanager')
      const used = properties('AWS::ApiGateway::UsagePlanKey')
      expect(used).toMatchObject([{ KeyType: 'API_KEY' }])
      expect(properties('AWS::CloudFront::Function')).toHaveLength(access === 'allowlist' ? 1 : 0)
    })

  it('accept only as many requests as a cursor can remember: a larger row would stop its lane', () => {
    const settings = properties('AWS::ApiGateway::Stage').flatMap(({ MethodSettings }) => MethodSettings as Throttle[])
    const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = settings.find(
      ({ HttpMethod, ResourcePath }) => HttpMethod === 'POST' && ResourcePath === '/~1api~1events',
    ) as Throttle
    const [slotMs] = text().match(/(?<="LANDCOVER_SLOT_MS":")\d+/) ?? []
    const count = Math.ceil((rate * rememberedMs(Number(slotMs))) / SECOND_MS) + burst
    const seen = [{ counter: 1, slot: Date.now() }]
    const known = new Map(Array.from({ length: count }, (_, at) => [`api-${String(at).padStart(16, '0')}`, seen]))
    expect(rate).toBeGreaterThanOrEqual(1)
    expect(Buffer.byteLength(producersToText(known))).toBeLessThan(0.9 * KEYSPACES_ROW_LIMIT)
  })

  if (access === 'allowlist')
    it.runIf(hasNjs || process.env.CI !== undefined)('have CloudFront functions that run in its njs', () => {
      const functions = properties('AWS::CloudFront::Function')
      expect(functions).toHaveLength(1)
      const seen = (ip: string) => ({ viewer: { ip }, request: { uri: '/' } })
      for (const { FunctionCode } of functions) {
        const [inside, outside] = inCloudFront(String(FunctionCode), [seen('192.0.2.9'), seen('198.51.100.1')])
        expect(inside).toEqual({ uri: '/' })
        expect(outside).toMatchObject({ statusCode: 403 })
      }
    })
})
