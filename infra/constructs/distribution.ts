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
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { BucketDeployment, CacheControl, Source } from 'aws-cdk-lib/aws-s3-deployment'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { AwsCustomResourcePolicy, type AwsSdkCall, PhysicalResourceId } from 'aws-cdk-lib/custom-resources'
import type { Construct } from 'constructs'
import { parseOrigins, READ_ONLY_CORS } from '../../functions/http/cors.ts'
import type { Names } from '../names.ts'
import { EDGE_REGION } from '../regions.ts'
import type { Stage } from '../stages.ts'
import { viewerFilter } from './allowlist.ts'
import { awsCall } from './aws-call.ts'
import { manyResources, suppressNag } from './nag-suppressions.ts'
import { signInServer, signInSettings, TOKEN_PATH } from './sign-in.ts'

/** File with the page's settings of this deployment: see Settings. */
const SETTINGS_FILE = 'settings.json'
/** Folder of the page's files whose names hold a hash of their content. */
const ASSETS = 'assets'
const SITE = fileURLToPath(new URL('../../web/dist', import.meta.url))

/** Time that CloudFront caches an answer. With it a hundred dashboards cost the store as much as one. */
const CACHED_FOR = Duration.seconds(2)

/** Adds the CloudFront distribution for the page and the API, and copies the page into its bucket. */
export function addDistribution(scope: Construct, stage: Stage, names: Names, site: IBucket, api: RestApi): void {
  const { access } = stage.reads
  const filter = stage.reads.access === 'allowlist' ? allowlistFilter(scope, names, stage.reads.cidrs) : []
  const distribution = new Distribution(scope, 'Distribution', {
    comment: `landcover, stage ${stage.name}`,
    defaultRootObject: 'index.html',
    httpVersion: HttpVersion.HTTP2_AND_3,
    priceClass: PriceClass.PRICE_CLASS_100,
    // The allowlist has only IPv4 networks, so viewers with both must use IPv4.
    enableIpv6: stage.reads.access !== 'allowlist',
    defaultBehavior: {
      origin: S3BucketOrigin.withOriginAccessControl(site),
      viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      responseHeadersPolicy: securityHeaders(scope, names),
      functionAssociations: filter,
      compress: true,
    },
    // By default CloudFront would cache an error for ten seconds.
    errorResponses: [500, 502, 503, 504].map(httpStatus => ({ httpStatus, ttl: CACHED_FOR })),
    additionalBehaviors: {
      '/api/*': apiBehavior(scope, stage, names, api, filter),
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
  suppressNag(
    distribution,
    'The edge stack delivers the access logs, with standard logging v2: the older one knows no opt-in regions.',
    'AwsSolutions-CFR3',
  )
  publishId(scope, names, distribution)
  addFiles(scope, stage, names, site, distribution)
  new CfnOutput(scope, 'DashboardUrl', { value: `https://${distribution.domainName}`, description: 'The dashboard' })
}

/** Copies the page into its bucket: first the files that it loads, then the page itself. */
function addFiles(scope: Construct, stage: Stage, names: Names, site: IBucket, distribution: Distribution): void {
  const assets = new BucketDeployment(scope, 'SiteAssets', {
    sources: [Source.asset(SITE, { exclude: ['*', `!${ASSETS}/**`] })],
    destinationBucket: site,
    cacheControl: [CacheControl.setPublic(), CacheControl.maxAge(Duration.days(365)), CacheControl.immutable()],
    // Pages that are open keep loading the files of their version. Their names hold a hash, so none is ever replaced.
    prune: false,
  })
  const page = new BucketDeployment(scope, 'SiteFiles', {
    sources: [
      Source.asset(SITE, { exclude: [`${ASSETS}/**`] }),
      ...(stage.reads.access === 'cognito'
        ? [Source.jsonData(SETTINGS_FILE, signInSettings(scope, names, distribution.domainName))]
        : []),
    ],
    destinationBucket: site,
    cacheControl: [CacheControl.noCache()],
    exclude: [`${ASSETS}/*`],
    distribution,
    distributionPaths: ['/index.html', '/', `/${SETTINGS_FILE}`],
  })
  page.node.addDependency(assets)
  acknowledgeDeployment(page, site)
}

/** Writes the distribution's id into a parameter in us-east-1, for the edge stack. */
function publishId(scope: Construct, { distributionParameter: name }: Names, distribution: Distribution): void {
  const stack = Stack.of(scope)
  const call = (action: string, parameters: object): AwsSdkCall => ({
    ...{ service: 'SSM', action, parameters: { Name: name, ...parameters } },
    region: EDGE_REGION,
    physicalResourceId: PhysicalResourceId.of(name),
  })
  awsCall(scope, 'DistributionParameter', {
    resourceType: 'Custom::DistributionParameter',
    onUpdate: call('putParameter', { Value: distribution.distributionId, Type: 'String', Overwrite: true }),
    onDelete: call('deleteParameter', {}),
    policy: AwsCustomResourcePolicy.fromStatements([
      new PolicyStatement({
        actions: ['ssm:PutParameter', 'ssm:DeleteParameter'],
        resources: [
          stack.formatArn({
            service: 'ssm',
            region: EDGE_REGION,
            resource: 'parameter',
            // A parameter's name begins with a slash, which its ARN has once.
            resourceName: name.slice(1),
          }),
        ],
      }),
    ]),
  })
}

type Filter = NonNullable<BehaviorOptions['functionAssociations']>

/** Behavior for /api: answers are cached for two seconds. */
function apiBehavior(scope: Construct, stage: Stage, names: Names, api: RestApi, filter: Filter): BehaviorOptions {
  return {
    origin: new RestApiOrigin(api, { customHeaders: originKeyHeader(scope, api) }),
    allowedMethods:
      stage.allowedOrigins.length > 0 ? AllowedMethods.ALLOW_GET_HEAD_OPTIONS : AllowedMethods.ALLOW_GET_HEAD,
    viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
    cachePolicy: new CachePolicy(scope, 'ApiCache', {
      cachePolicyName: `${names.global}-api`,
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
    responseHeadersPolicy: apiHeaders(scope, stage, names),
    functionAssociations: filter,
    compress: true,
  }
}

/** CloudFront function that lets only viewers in these networks pass. */
function allowlistFilter(scope: Construct, names: Names, cidrs: readonly string[]): Filter {
  const filter = new EdgeFunction(scope, 'Allowlist', {
    functionName: names.allowlistFunction,
    runtime: FunctionRuntime.JS_2_0,
    code: FunctionCode.fromInline(viewerFilter(cidrs)),
  })
  return [{ function: filter, eventType: FunctionEventType.VIEWER_REQUEST }]
}

/** Header with the origin key. API Gateway accepts only reads with it: nobody bypasses the allowlist and the cache. */
function originKeyHeader(scope: Construct, api: RestApi): Record<string, string> {
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
function apiHeaders(scope: Construct, { reads, allowedOrigins }: Stage, names: Names): IResponseHeadersPolicy {
  if (allowedOrigins.length === 0) return ResponseHeadersPolicy.SECURITY_HEADERS
  return new ResponseHeadersPolicy(scope, 'ApiHeaders', {
    responseHeadersPolicyName: `${names.global}-api`,
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
function securityHeaders(scope: Construct, names: Names): ResponseHeadersPolicy {
  return new ResponseHeadersPolicy(scope, 'SecurityHeaders', {
    responseHeadersPolicyName: `${names.global}-page`,
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
