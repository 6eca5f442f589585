import { RemovalPolicy } from 'aws-cdk-lib'
import {
  AccessLogFormat,
  AuthorizationType,
  EndpointType,
  type IResource,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  MockIntegration,
  PassthroughBehavior,
  ResponseType,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway'
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { FilterPattern, LogGroup } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { rememberedMs } from '../../functions/core/slot.ts'
import { SECOND_MS } from '../../functions/core/time.ts'
import { problem } from '../../functions/http/problem.ts'
import { metricsNamespace } from '../../functions/runtime/aws/namespace.ts'
import type { Names } from '../names.ts'
import type { Stage } from '../stages.ts'
import { suppressNag } from './nag-suppressions.ts'
import { readAuthorization } from './sign-in.ts'

/** Size of a burst of reads: pages that open ask many questions at once. */
const BURST = 200
/** Share of the reads that requests without a body of their own may have: HEAD, and the preflights of other origins. */
const SMALL_SHARE = 0.1

/**
 * Number of send requests that a cursor can remember. For the speed layer each send request is a producer of its own,
 * kept in the cursor until no copy can come. With this number on one lane, the cursor still fits into a row of Keyspaces
 * (1 MB).
 */
const REQUESTS_REMEMBERED = 20_000
/** Size of a burst of send requests. */
const SEND_BURST = 50
/** Decisions about incidents in a second, and the size of a burst: people make few. */
const DECISIONS = { throttlingRateLimit: 1, throttlingBurstLimit: 20 }

/** Level of the execution log of API Gateway. The access log is separate. */
const LOGGED = MethodLoggingLevel.ERROR

/** Error responses of API Gateway itself, in the same format as ours. */
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
    'No such address, or a signature is missing',
    'Read addresses below /api with GET. Requests with POST need a signature (AWS SigV4).',
  ],
  [
    'NotSignedIn',
    ResponseType.UNAUTHORIZED,
    401,
    'Sign in first',
    'The page signs you in. Programs send an access token.',
  ],
  ['Denied', ResponseType.ACCESS_DENIED, 403, 'This sender has no permission', 'It needs execute-api:Invoke.'],
  ['Throttled', ResponseType.THROTTLED, 429, 'Too many requests', 'Try again in a second.'],
  ['TooLarge', ResponseType.REQUEST_TOO_LARGE, 413, 'The body is too large', 'Send fewer events in one request.'],
  ['Failed', ResponseType.DEFAULT_5XX, 503, 'The answer is not known right now', 'Try again in a few seconds.'],
]

/**
 * Adds the REST API: GET and HEAD of /api go to the serving function, signed POST /api/events to the ingest function, and
 * other signed posts, of decisions about incidents, to their function.
 */
export function addApi(
  scope: Construct,
  stage: Stage,
  names: Names,
  { serving, ingest, decisions }: Record<'serving' | 'ingest' | 'decisions', IFunction>,
): { api: RestApi; throttled: Metric } {
  const accessLog = new LogGroup(scope, 'AccessLog', {
    logGroupName: `/landcover/${stage.name}/api`,
    retention: stage.logDays,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  const api = new RestApi(scope, 'Api', {
    restApiName: `landcover-${stage.name}`,
    endpointTypes: [EndpointType.REGIONAL],
    cloudWatchRole: stage.apiLogRole === 'create',
    deployOptions: {
      stageName: 'v1',
      throttlingRateLimit: stage.readsPerSecond,
      throttlingBurstLimit: BURST,
      methodOptions: {
        // Settings of a method replace those of all methods. Each method has a limit of its own.
        '/api/events/POST': {
          throttlingRateLimit: sendRate(stage.slotMs),
          throttlingBurstLimit: SEND_BURST,
          loggingLevel: LOGGED,
        },
        '/api/{path+}/POST': { ...DECISIONS, loggingLevel: LOGGED },
        ...Object.fromEntries(
          ['HEAD', ...(stage.allowedOrigins.length > 0 ? ['OPTIONS'] : [])].map(method => [
            `/api/{path+}/${method}`,
            {
              throttlingRateLimit: stage.readsPerSecond * SMALL_SHARE,
              throttlingBurstLimit: BURST * SMALL_SHARE,
              loggingLevel: LOGGED,
            },
          ]),
        ),
      },
      tracingEnabled: true,
      loggingLevel: LOGGED,
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
  const reading = new LambdaIntegration(serving)
  const anything = root.addResource('{path+}')
  const authorization = readAuthorization(scope, stage, names)
  for (const method of ['GET', 'HEAD']) anything.addMethod(method, reading, authorization)
  if (stage.allowedOrigins.length > 0) answerPreflights(anything, stage)
  // Paths of their own for decisions would need all methods that read, too.
  anything.addMethod('POST', new LambdaIntegration(decisions), { authorizationType: AuthorizationType.IAM })
  const sending = new LambdaIntegration(ingest)
  const events = root.addResource('events')
  events.addMethod('POST', sending, { authorizationType: AuthorizationType.IAM })
  suppressNag(api, 'The functions validate requests and say what is wrong.', 'AwsSolutions-APIG2')
  suppressNag(
    api,
    'Sending needs a signature (IAM). Reading needs the key of CloudFront; each stage sets who may read there.',
    'AwsSolutions-APIG4',
    'AwsSolutions-COG4',
  )
  suppressNag(api, 'A web application firewall costs more than the rest of a small stage.', 'AwsSolutions-APIG3')
  suppressNag(
    api,
    "API Gateway writes logs with one role of the account, which has AWS's managed policy.",
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
  )
  return { api, throttled: throttledMetric(accessLog, stage) }
}

/** Metric of the requests that API Gateway refused with 429. It has none of its own for them. */
function throttledMetric(accessLog: LogGroup, stage: Stage): Metric {
  const filter = accessLog.addMetricFilter('Throttled', {
    filterPattern: FilterPattern.stringValue('$.status', '=', '429'),
    metricNamespace: metricsNamespace(stage.name),
    metricName: 'apiThrottled',
    metricValue: '1',
  })
  return filter.metric()
}

/** Answers CORS preflight requests without signing in. CloudFront adds the headers that allow other origins. */
function answerPreflights(resource: IResource, { cloudFront }: Stage): void {
  const empty = new MockIntegration({
    requestTemplates: { 'application/json': '{ "statusCode": 204 }' },
    passthroughBehavior: PassthroughBehavior.NEVER,
    integrationResponses: [{ statusCode: '204' }],
  })
  resource.addMethod('OPTIONS', empty, {
    authorizationType: AuthorizationType.NONE,
    apiKeyRequired: cloudFront,
    methodResponses: [{ statusCode: '204' }],
  })
}

/** Allowed send requests a second. */
function sendRate(slotMs: number): number {
  return Math.floor((REQUESTS_REMEMBERED / (rememberedMs(slotMs) / SECOND_MS)) * 100) / 100
}
