import { fileURLToPath } from 'node:url'
import { type CfnElement, CfnOutput, Duration, Stack } from 'aws-cdk-lib'
import { ApiKey, type RestApi } from 'aws-cdk-lib/aws-apigateway'
import {
  AllowedMethods,
  type BehaviorOptions,
  CacheCookieBehavior,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  type IResponseHeadersPolicy,
  OriginRequestPolicy,
  PriceClass,
  ResponseHeadersPolicy,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront'
import { HttpOrigin, RestApiOrigin, S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins'
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3'
import { BucketDeployment, Source } from 'aws-cdk-lib/aws-s3-deployment'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'
import { parseOrigins, READ_ONLY_CORS } from '../../functions/http/cors.ts'
import type { Names } from '../names.ts'
import type { Stage } from '../stages.ts'
import { viewerFilter } from './allowlist.ts'
import { manyResources, suppressNag } from './nag-suppressions.ts'
import { signInServer, signInSettings, TOKEN_PATH } from './sign-in.ts'

/** File with the page's settings of this deployment: see Settings. */
const SETTINGS_FILE = 'settings.json'
const SITE = fileURLToPath(new URL('../../web/dist', import.meta.url))

/** Time that CloudFront caches an answer. With it a hundred dashboards cost the store as much as one. */
const CACHED_FOR = Duration.seconds(2)

/** Adds the CloudFront distribution for the page and the API, and copies the page into its bucket. */
export function addDistribution(scope: Construct, stage: Stage, names: Names, site: IBucket, api: RestApi): void {
  const { access } = stage.reads
  const filter = stage.reads.access === 'allowlist' ? allowlistFilter(scope, stage.reads.cidrs) : []
  const logs = Bucket.fromBucketName(scope, 'Logs', names.logBucket)
  const distribution = new Distribution(scope, 'Distribution', {
    comment: `landcover, stage ${stage.name}`,
    defaultRootObject: 'index.html',
    httpVersion: HttpVersion.HTTP2_AND_3,
    priceClass: PriceClass.PRICE_CLASS_100,
    // The allowlist has only IPv4 networks, so viewers with both must use IPv4.
    enableIpv6: stage.reads.access !== 'allowlist',
    enableLogging: true,
    logBucket: logs,
    logFilePrefix: 'cloudfront/',
    defaultBehavior: {
      origin: S3BucketOrigin.withOriginAccessControl(site),
      viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      responseHeadersPolicy: securityHeaders(scope, stage),
      functionAssociations: filter,
      compress: true,
    },
    // By default CloudFront would cache an error for ten seconds.
    errorResponses: [500, 502, 503, 504].map(httpStatus => ({ httpStatus, ttl: CACHED_FOR })),
    additionalBehaviors: {
      '/api/*': apiBehavior(scope, stage, api, filter),
      ...(access === 'cognito' && {
        // On the same origin as the page, so that the page sends requests to no other origin.
        [TOKEN_PATH]: {
          origin: new HttpOrigin(signInServer(names, Stack.of(scope).region)),
          allowedMethods: AllowedMethods.ALLOW_ALL,
          viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
          cachePolicy: CachePolicy.CACHING_DISABLED,
          originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        },
      }),
    },
  })
  suppressNag(distribution, 'The data need no restriction by country.', 'AwsSolutions-CFR1')
  suppressNag(distribution, 'A firewall costs more than the rest of a small stage.', 'AwsSolutions-CFR2')
  suppressNag(
    distribution,
    "Without a custom domain a stage uses CloudFront's certificate, whose TLS policy cannot be chosen.",
    'AwsSolutions-CFR4',
  )
  const files = new BucketDeployment(scope, 'SiteFiles', {
    sources: [
      Source.asset(SITE),
      ...(access === 'cognito'
        ? [Source.jsonData(SETTINGS_FILE, signInSettings(scope, names, distribution.domainName))]
        : []),
    ],
    destinationBucket: site,
    distribution,
    distributionPaths: ['/index.html', '/', `/${SETTINGS_FILE}`],
  })
  acknowledgeDeployment(files, site)
  new CfnOutput(scope, 'DashboardUrl', { value: `https://${distribution.domainName}`, description: 'The dashboard' })
}

type Filter = NonNullable<BehaviorOptions['functionAssociations']>

/** Behavior for /api: answers are cached for two seconds. */
function apiBehavior(scope: Construct, stage: Stage, api: RestApi, filter: Filter): BehaviorOptions {
  return {
    origin: new RestApiOrigin(api, { customHeaders: originKeyHeader(scope, stage, api) }),
    allowedMethods:
      stage.allowedOrigins.length > 0 ? AllowedMethods.ALLOW_GET_HEAD_OPTIONS : AllowedMethods.ALLOW_GET_HEAD,
    viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
    cachePolicy: new CachePolicy(scope, 'ApiCache', {
      cachePolicyName: `landcover-${stage.name}-api`,
      minTtl: CACHED_FOR,
      defaultTtl: CACHED_FOR,
      maxTtl: CACHED_FOR,
      queryStringBehavior: CacheQueryStringBehavior.all(),
      // With signing in, an answer is cached for one token only.
      headerBehavior: CacheHeaderBehavior.allowList(
        'Accept',
        ...(stage.reads.access === 'cognito' ? ['Authorization'] : []),
      ),
      cookieBehavior: CacheCookieBehavior.none(),
      enableAcceptEncodingGzip: true,
      enableAcceptEncodingBrotli: true,
    }),
    responseHeadersPolicy: apiHeaders(scope, stage),
    functionAssociations: filter,
    compress: true,
  }
}

/** CloudFront function that lets only viewers in these networks pass. */
function allowlistFilter(scope: Construct, cidrs: readonly string[]): Filter {
  const filter = new EdgeFunction(scope, 'Allowlist', {
    runtime: FunctionRuntime.JS_2_0,
    code: FunctionCode.fromInline(viewerFilter(cidrs)),
  })
  return [{ function: filter, eventType: FunctionEventType.VIEWER_REQUEST }]
}

/** Header with the origin key. API Gateway accepts only reads with it, so nobody can bypass the allowlist. */
function originKeyHeader(scope: Construct, stage: Stage, api: RestApi): Record<string, string> {
  if (stage.reads.access !== 'allowlist') return {}
  const secret = new Secret(scope, 'OriginKey', {
    description: 'Key that CloudFront sends to API Gateway',
    generateSecretString: { excludePunctuation: true, passwordLength: 64 },
  })
  suppressNag(
    secret,
    'CloudFront and API Gateway get it from the template: a deployment with a new secret rotates it.',
    'AwsSolutions-SMG4',
  )
  // The template contains only a reference, which CloudFormation resolves.
  const value = secret.secretValue.unsafeUnwrap()
  const plan = api.addUsagePlan('Readers', { apiStages: [{ stage: api.deploymentStage }] })
  plan.addApiKey(new ApiKey(scope, 'ReadKey', { value }))
  return { 'x-api-key': value }
}

/** Response headers of the API: AWS's managed security headers and, for allowed origins, CORS headers. */
function apiHeaders(scope: Construct, { name, reads, allowedOrigins }: Stage): IResponseHeadersPolicy {
  if (allowedOrigins.length === 0) return ResponseHeadersPolicy.SECURITY_HEADERS
  return new ResponseHeadersPolicy(scope, 'ApiHeaders', {
    responseHeadersPolicyName: `landcover-${name}-api`,
    securityHeadersBehavior: {
      contentTypeOptions: { override: true },
      frameOptions: { frameOption: HeadersFrameOption.SAMEORIGIN, override: false },
      referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.STRICT_ORIGIN_WHEN_CROSS_ORIGIN, override: false },
      strictTransportSecurity: { accessControlMaxAge: Duration.days(365), override: false },
      xssProtection: { protection: true, modeBlock: true, override: false },
    },
    corsBehavior: {
      accessControlAllowOrigins: allowedOrigins.flatMap(parseOrigins),
      accessControlAllowMethods: READ_ONLY_CORS.methods,
      accessControlAllowHeaders: [...READ_ONLY_CORS.headers, ...(reads.access === 'cognito' ? ['Authorization'] : [])],
      accessControlExposeHeaders: READ_ONLY_CORS.exposedHeaders,
      accessControlAllowCredentials: false,
      accessControlMaxAge: Duration.seconds(READ_ONLY_CORS.maxAgeSeconds),
      originOverride: true,
    },
  })
}

/** Response headers of the page. */
function securityHeaders(scope: Construct, stage: Stage): ResponseHeadersPolicy {
  return new ResponseHeadersPolicy(scope, 'SecurityHeaders', {
    responseHeadersPolicyName: `landcover-${stage.name}-page`,
    securityHeadersBehavior: {
      contentTypeOptions: { override: true },
      frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
      referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
      strictTransportSecurity: { accessControlMaxAge: Duration.days(365), includeSubdomains: true, override: true },
      contentSecurityPolicy: { contentSecurityPolicy: "frame-ancestors 'none'", override: true },
    },
  })
}

/** Acknowledges findings about CDK's own function that copies files into a bucket. */
function acknowledgeDeployment(files: BucketDeployment, site: IBucket): void {
  const stack = Stack.of(files)
  const { account, region } = stack
  const siteId = stack.getLogicalId(site.node.defaultChild as CfnElement)
  const provider = stack.node.children.find(({ node }) => node.id.startsWith('Custom::CDKBucketDeployment'))
  if (!provider) throw new Error("CDK's function that copies files was not found: CDK changed its construct id")
  suppressNag(
    provider,
    "CDK's own function, which runs only at deployments and uses only the page's bucket.",
    'AwsSolutions-L1',
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
    ...['GetObject', 'GetBucket', 'List', 'DeleteObject', 'Abort'].map(
      action => `AwsSolutions-IAM5[Action::s3:${action}*]`,
    ),
    manyResources('*'),
    manyResources(`arn:aws:s3:::cdk-hnb659fds-assets-${account}-${region}/*`),
    manyResources(`<${siteId}.Arn>/*`),
  )
}
