import { fileURLToPath } from 'node:url'
import { type CfnElement, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import {
  AccessLogFormat,
  ApiKey,
  AuthorizationType,
  CognitoUserPoolsAuthorizer,
  EndpointType,
  type IResource,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  type MethodOptions,
  MockIntegration,
  PassthroughBehavior,
  ResponseType,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway'
import {
  AllowedMethods,
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
import { type IUserPool, OAuthScope, UserPool, UserPoolClient } from 'aws-cdk-lib/aws-cognito'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3'
import { BucketDeployment, Source } from 'aws-cdk-lib/aws-s3-deployment'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import { Construct } from 'constructs'
import { rememberedMs } from '../functions/core/slot.ts'
import { SECOND_MS } from '../functions/core/time.ts'
import { parseOrigins, READING } from '../functions/http/origins.ts'
import { problem } from '../functions/http/problem.ts'
import type { Settings } from '../web/settings.ts'
import type { Access } from './access.ts'
import { acknowledge, manyResources } from './acknowledged.ts'
import { viewerFilter } from './allowlist.ts'
import type { EventLogAccess } from './event-log.ts'
import { deployedFunction } from './function.ts'
import type { Names } from './names.ts'
import { type Stage, storeAddress } from './stages.ts'

interface FrontProps {
  stage: Stage
  names: Names
  access: Access
  log: EventLogAccess
}

/** Where the page asks for tokens. */
const TOKEN_PATH = '/oauth2/token'
/** What the page is told of the deployment: see Settings. */
const SETTINGS_FILE = 'settings.json'
const SITE = fileURLToPath(new URL('../web/dist', import.meta.url))

/** So long a shared answer may be old: a hundred dashboards cost the store as much as one. */
const SHARED_FOR = Duration.seconds(2)
/** Requests a second that reach the functions, and how many may come at once. */
const RATE = 100
const BURST = 200

/**
 * A request that sends events is a producer of its own to the speed layer, which knows it by its cursor until no copy
 * can come: so many fit into a row of Keyspaces (1 MB), were they all on one lane.
 */
const REQUESTS_REMEMBERED = 20_000
/** Requests that may come at once. */
const SENT_AT_ONCE = 50

/** Answers of API Gateway itself, in the form of ours. */
const GATEWAY_PROBLEMS: readonly (readonly [
  name: string,
  ResponseType,
  status: number,
  title: string,
  detail: string,
])[] = [
  [
    'Unsigned',
    ResponseType.MISSING_AUTHENTICATION_TOKEN,
    403,
    'There is nothing here, or it takes a signature',
    'GET reads /api; POST /api/events takes a signature (AWS SigV4).',
  ],
  ['NotSignedIn', ResponseType.UNAUTHORIZED, 401, 'Sign in first', 'The page does so; others send an access token.'],
  ['Denied', ResponseType.ACCESS_DENIED, 403, 'This sender may not do that', 'Ask for execute-api:Invoke.'],
  ['Throttled', ResponseType.THROTTLED, 429, 'Too many requests', 'Try again in a second.'],
  ['TooLarge', ResponseType.REQUEST_TOO_LARGE, 413, 'The body is too large', 'Send fewer events at once.'],
  ['Failed', ResponseType.DEFAULT_5XX, 503, 'The answer is not known right now', 'Try again in a few seconds.'],
]

/** The API and the dashboard. */
export class Front extends Construct {
  readonly serving: LambdaFunction
  readonly ingest: LambdaFunction
  readonly api: RestApi
  readonly #names: Names

  constructor(scope: Construct, props: FrontProps) {
    super(scope, 'Front')
    const { stage, names } = props
    this.#names = names
    this.serving = servingFunction(new Construct(this, 'Serving'), props)
    this.ingest = ingestFunction(new Construct(this, 'Ingest'), props)
    this.api = this.#addApi(stage)
    new CfnOutput(this, 'ApiUrl', { value: this.api.url, description: 'API Gateway: events are sent here' })

    // Its own class does not match the interface where types are strict about what is undefined.
    const site = new Bucket(this, 'Site', {
      bucketName: names.siteBucket,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      removalPolicy: RemovalPolicy.DESTROY,
      autoDeleteObjects: true,
    }) as IBucket
    acknowledge(site, 'It holds the files of the page, which CloudFront alone reads, and logs.', 'AwsSolutions-S1')
    if (stage.cloudFront) this.#addDistribution(stage, names, site)
  }

  #addApi(stage: Stage): RestApi {
    const accessLog = new LogGroup(this, 'AccessLog', {
      logGroupName: `/landcover/${stage.name}/api`,
      retention: stage.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const api = new RestApi(this, 'Api', {
      restApiName: `landcover-${stage.name}`,
      endpointTypes: [EndpointType.REGIONAL],
      cloudWatchRole: true,
      deployOptions: {
        stageName: 'v1',
        throttlingRateLimit: RATE,
        throttlingBurstLimit: BURST,
        methodOptions: {
          '/api/events/POST': { throttlingRateLimit: sendingRate(stage.slotMs), throttlingBurstLimit: SENT_AT_ONCE },
        },
        tracingEnabled: true,
        loggingLevel: MethodLoggingLevel.ERROR,
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: AccessLogFormat.jsonWithStandardFields(),
      },
    })
    for (const [name, type, status, title, detail] of GATEWAY_PROBLEMS) {
      const { body, headers = {} } = problem(status, title, detail)
      api.addGatewayResponse(name, {
        type,
        statusCode: String(status),
        responseHeaders: Object.fromEntries(Object.entries(headers).map(([header, value]) => [header, `'${value}'`])),
        templates: { 'application/json': body },
      })
    }
    const root = api.root.addResource('api')
    const reading = new LambdaIntegration(this.serving)
    const anything = root.addResource('{path+}')
    const readers = this.#readers(stage)
    for (const method of ['GET', 'HEAD']) anything.addMethod(method, reading, readers)
    if (stage.allowedOrigins.length > 0) this.#answerPreflights(anything)
    const sending = new LambdaIntegration(this.ingest)
    const events = root.addResource('events')
    events.addMethod('POST', sending, { authorizationType: AuthorizationType.IAM })
    acknowledge(api, 'The functions judge what they are sent, and say what is wrong with it.', 'AwsSolutions-APIG2')
    acknowledge(
      api,
      'Sending takes a signature (IAM). Who reads is settled for the stage: where not by signing in, at CloudFront.',
      'AwsSolutions-APIG4',
      'AwsSolutions-COG4',
    )
    acknowledge(api, 'A web application firewall costs more than all the rest of a small stage.', 'AwsSolutions-APIG3')
    acknowledge(
      api,
      "API Gateway writes its logs by the one role of the account, of AWS's own policy.",
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
    )
    return api
  }

  /** Before a browser lets a page of another origin ask, it asks whether it may, as nobody: CloudFront says so. */
  #answerPreflights(resource: IResource): void {
    const nothing = new MockIntegration({
      requestTemplates: { 'application/json': '{ "statusCode": 204 }' },
      passthroughBehavior: PassthroughBehavior.NEVER,
      integrationResponses: [{ statusCode: '204' }],
    })
    resource.addMethod('OPTIONS', nothing, {
      authorizationType: AuthorizationType.NONE,
      methodResponses: [{ statusCode: '204' }],
    })
  }

  #readers({ reads }: Stage): MethodOptions {
    switch (reads.access) {
      case 'public':
        return {}
      case 'allowlist':
        return { apiKeyRequired: true }
      case 'cognito':
        return {
          authorizationType: AuthorizationType.COGNITO,
          authorizer: new CognitoUserPoolsAuthorizer(this, 'SignedIn', { cognitoUserPools: [this.#userPool()] }),
          // Of access tokens, instead of those that say who somebody is.
          authorizationScopes: [OAuthScope.OPENID.scopeName],
        }
    }
  }

  #userPool(): IUserPool {
    const found = this.node.tryFindChild('UserPool')
    if (found) return found as IUserPool
    const id = StringParameter.valueForStringParameter(this, this.#names.userPoolParameter)
    return UserPool.fromUserPoolId(this, 'UserPool', id)
  }

  /** Where readers sign in; what it does not say stays as the page has it. */
  #settings(distribution: Distribution): Partial<Settings> {
    const { region } = Stack.of(this)
    const pool = this.#userPool()
    const address = `https://${distribution.domainName}/`
    const client = new UserPoolClient(this, 'Page', {
      userPool: pool,
      generateSecret: false,
      authFlows: {},
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [OAuthScope.OPENID],
        callbackUrls: [address],
        logoutUrls: [address],
      },
      accessTokenValidity: Duration.hours(1),
      idTokenValidity: Duration.hours(1),
      refreshTokenValidity: Duration.days(1),
      preventUserExistenceErrors: true,
    })
    const server = signInServer(this.#names, region)
    return {
      signIn: {
        issuer: `https://cognito-idp.${region}.amazonaws.com/${pool.userPoolId}`,
        clientId: client.userPoolClientId,
        authorizationEndpoint: `https://${server}/oauth2/authorize`,
        logoutEndpoint: `https://${server}/logout`,
        tokenPath: TOKEN_PATH,
      },
    }
  }

  #addDistribution(stage: Stage, names: Names, site: IBucket): void {
    const { access } = stage.reads
    const filter = stage.reads.access === 'allowlist' ? this.#viewerFilter(stage.reads.cidrs) : []
    const logs = Bucket.fromBucketName(this, 'Logs', names.logBucket)
    const distribution = new Distribution(this, 'Distribution', {
      comment: `landcover, stage ${stage.name}`,
      defaultRootObject: 'index.html',
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: PriceClass.PRICE_CLASS_100,
      // The allowlist knows networks of IPv4 only: who has both must come by that.
      enableIpv6: stage.reads.access !== 'allowlist',
      enableLogging: true,
      logBucket: logs,
      logFilePrefix: 'cloudfront/',
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(site),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        responseHeadersPolicy: this.#securityHeaders(stage),
        functionAssociations: filter,
        compress: true,
      },
      // Otherwise a failure would be kept for ten seconds.
      errorResponses: [500, 502, 503, 504].map(httpStatus => ({ httpStatus, ttl: SHARED_FOR })),
      additionalBehaviors: {
        '/api/*': {
          origin: new RestApiOrigin(this.api, { customHeaders: this.#originKey(stage) }),
          allowedMethods:
            stage.allowedOrigins.length > 0 ? AllowedMethods.ALLOW_GET_HEAD_OPTIONS : AllowedMethods.ALLOW_GET_HEAD,
          viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
          cachePolicy: new CachePolicy(this, 'ApiCache', {
            cachePolicyName: `landcover-${stage.name}-api`,
            minTtl: SHARED_FOR,
            defaultTtl: SHARED_FOR,
            maxTtl: SHARED_FOR,
            queryStringBehavior: CacheQueryStringBehavior.all(),
            // Whoever is signed in has answers of his own: they are kept for him alone.
            headerBehavior: CacheHeaderBehavior.allowList('Accept', ...(access === 'cognito' ? ['Authorization'] : [])),
            cookieBehavior: CacheCookieBehavior.none(),
            enableAcceptEncodingGzip: true,
            enableAcceptEncodingBrotli: true,
          }),
          responseHeadersPolicy: this.#apiHeaders(stage),
          functionAssociations: filter,
          compress: true,
        },
        ...(access === 'cognito' && {
          // Of this origin, so that the page asks for nothing beyond it.
          [TOKEN_PATH]: {
            origin: new HttpOrigin(signInServer(names, Stack.of(this).region)),
            allowedMethods: AllowedMethods.ALLOW_ALL,
            viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
            cachePolicy: CachePolicy.CACHING_DISABLED,
            originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
          },
        }),
      },
    })
    acknowledge(distribution, 'Vegetation is no secret of a country.', 'AwsSolutions-CFR1')
    acknowledge(distribution, 'A firewall costs more than all the rest of a small stage.', 'AwsSolutions-CFR2')
    acknowledge(
      distribution,
      "Without a domain of its own a stage has CloudFront's certificate, whose policy cannot be chosen.",
      'AwsSolutions-CFR4',
    )
    const files = new BucketDeployment(this, 'SiteFiles', {
      sources: [
        Source.asset(SITE),
        ...(access === 'cognito' ? [Source.jsonData(SETTINGS_FILE, this.#settings(distribution))] : []),
      ],
      destinationBucket: site,
      distribution,
      distributionPaths: ['/index.html', '/', `/${SETTINGS_FILE}`],
    })
    acknowledgeDeployment(files, site)
    new CfnOutput(this, 'DashboardUrl', { value: `https://${distribution.domainName}`, description: 'The dashboard' })
  }

  #viewerFilter(cidrs: readonly string[]) {
    const filter = new EdgeFunction(this, 'Allowlist', {
      runtime: FunctionRuntime.JS_2_0,
      code: FunctionCode.fromInline(viewerFilter(cidrs)),
    })
    return [{ function: filter, eventType: FunctionEventType.VIEWER_REQUEST }]
  }

  /** Who may not read by CloudFront must not read past it: so API Gateway takes reads from CloudFront only. */
  #originKey(stage: Stage): Record<string, string> {
    if (stage.reads.access !== 'allowlist') return {}
    const secret = new Secret(this, 'OriginKey', {
      description: 'What CloudFront shows API Gateway',
      generateSecretString: { excludePunctuation: true, passwordLength: 64 },
    })
    acknowledge(
      secret,
      'CloudFront and API Gateway know it by the template: a new deployment with another secret rotates it.',
      'AwsSolutions-SMG4',
    )
    // In the template it stays a reference, which CloudFormation resolves.
    const value = secret.secretValue.unsafeUnwrap()
    const plan = this.api.addUsagePlan('Readers', { apiStages: [{ stage: this.api.deploymentStage }] })
    plan.addApiKey(new ApiKey(this, 'ReadKey', { value }))
    return { 'x-api-key': value }
  }

  /** What AWS's policy of that name says and, where pages of other origins may read, that they may. */
  #apiHeaders({ name, reads, allowedOrigins }: Stage): IResponseHeadersPolicy {
    if (allowedOrigins.length === 0) return ResponseHeadersPolicy.SECURITY_HEADERS
    return new ResponseHeadersPolicy(this, 'ApiHeaders', {
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
        accessControlAllowMethods: READING.methods,
        accessControlAllowHeaders: [...READING.headers, ...(reads.access === 'cognito' ? ['Authorization'] : [])],
        accessControlExposeHeaders: READING.exposedHeaders,
        accessControlAllowCredentials: false,
        accessControlMaxAge: Duration.seconds(READING.knownForSeconds),
        originOverride: true,
      },
    })
  }

  #securityHeaders(stage: Stage): ResponseHeadersPolicy {
    return new ResponseHeadersPolicy(this, 'SecurityHeaders', {
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
}

/** Where people sign in: its name is known before it is made. */
function signInServer({ signInDomain }: Names, region: string): string {
  return `${signInDomain}.auth.${region}.amazoncognito.com`
}

/** Requests a second that may send events. */
function sendingRate(slotMs: number): number {
  return Math.floor((REQUESTS_REMEMBERED / (rememberedMs(slotMs) / SECOND_MS)) * 100) / 100
}

function servingFunction(scope: Construct, { stage, names, access, log }: FrontProps): LambdaFunction {
  const serving = deployedFunction(scope, stage, 'serving', {
    memoryMb: 1024,
    timeout: Duration.seconds(20),
    isTraced: true,
    variables: {
      LANDCOVER_STORE: storeAddress(stage, names.keyspace),
      LANDCOVER_BUCKET: names.bucket,
    },
  })
  log.tellOutline(serving, 'lag')
  access.speedStore(serving)
  access.readObjects(serving, 'reference/*', 'views/*', 'history/*', 'landcover_aggregates/*', 'batch/*')
  return serving
}

function ingestFunction(scope: Construct, { stage, names, access, log }: FrontProps): LambdaFunction {
  const ingest = deployedFunction(scope, stage, 'ingest', {
    memoryMb: 512,
    timeout: Duration.seconds(29),
    isTraced: true,
    variables: { LANDCOVER_BUCKET: names.bucket },
  })
  log.connect(ingest)
  access.readObjects(ingest, 'reference/*')
  return ingest
}

/** What CDK brings along to copy files into a bucket. */
function acknowledgeDeployment(files: BucketDeployment, site: IBucket): void {
  const stack = Stack.of(files)
  const { account, region } = stack
  const siteId = stack.getLogicalId(site.node.defaultChild as CfnElement)
  const provider = stack.node.children.find(({ node }) => node.id.startsWith('Custom::CDKBucketDeployment'))
  if (!provider) throw new Error("CDK's function that copies files is not where it was")
  acknowledge(
    provider,
    "CDK's own function, which runs at a deployment only and touches no bucket but the page's.",
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
