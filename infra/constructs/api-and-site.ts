import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import type { IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { COMPACTION_PROGRESS_PREFIX } from '../../functions/archive/compaction-progress.ts'
import { AGGREGATES } from '../../functions/batch/aggregates-table.ts'
import { INCIDENTS_PREFIX } from '../../functions/batch/incidents-file.ts'
import { DECISIONS_PREFIX } from '../../functions/decisions/stored-decisions.ts'
import { SITES_PREFIX } from '../../functions/images/sites/stored-sites.ts'
import type { Names } from '../names.ts'
import { latenessText, type Stage, storeAddress } from '../stages.ts'
import { addApi } from './api.ts'
import { addDistribution } from './distribution.ts'
import type { EventLogAccess } from './event-log.ts'
import { deployedFunction } from './function.ts'
import { GradualDeployment } from './gradual-deployment.ts'
import type { Grants } from './grants.ts'
import { suppressNag } from './nag-suppressions.ts'

interface ApiAndSiteProps {
  stage: Stage
  names: Names
  grants: Grants
  log: EventLogAccess
}

/** The API with its three functions, and the dashboard. */
export class ApiAndSite extends Construct {
  readonly serving: LambdaFunction
  readonly ingest: LambdaFunction
  /** Deployment of new versions of the serving function; null where the newest one answers at once. */
  readonly deployment: GradualDeployment | null
  readonly decisions: LambdaFunction
  readonly api: RestApi
  /** Requests that API Gateway refused with 429. */
  readonly throttled: Metric

  constructor(scope: Construct, props: ApiAndSiteProps) {
    super(scope, 'Front')
    const { stage, names } = props
    this.serving = servingFunction(new Construct(this, 'Serving'), props)
    this.ingest = ingestFunction(new Construct(this, 'Ingest'), props)
    this.decisions = decisionsFunction(new Construct(this, 'Decisions'), props)
    this.deployment = stage.gradualDeployments
      ? new GradualDeployment(this, this.serving, `landcover-${stage.name}-serving`)
      : null
    const { api, throttled } = addApi(this, stage, names, {
      serving: this.deployment?.alias ?? (this.serving as IFunction),
      ingest: this.ingest as IFunction,
      decisions: this.decisions as IFunction,
    })
    this.api = api
    this.throttled = throttled
    new CfnOutput(this, 'ApiUrl', { value: this.api.url, description: 'API Gateway: send events here' })

    // The class Bucket does not match IBucket under TypeScript's exactOptionalPropertyTypes.
    const site = new Bucket(this, 'Site', {
      bucketName: names.siteBucket,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      removalPolicy: RemovalPolicy.DESTROY,
      autoDeleteObjects: true,
    }) as IBucket
    suppressNag(
      site,
      'It holds the files of the page. Only CloudFront reads it, and CloudFront logs.',
      'AwsSolutions-S1',
    )
    if (stage.cloudFront) addDistribution(this, stage, names, site, this.api)
  }
}

function servingFunction(scope: Construct, { stage, names, grants, log }: ApiAndSiteProps): LambdaFunction {
  const serving = deployedFunction(scope, stage, 'serving', {
    memoryMb: 1024,
    timeout: Duration.seconds(20),
    isTraced: true,
    variables: {
      LANDCOVER_STORE: storeAddress(stage, names.keyspace),
      LANDCOVER_BUCKET: names.bucket,
      LANDCOVER_LATENESS: latenessText(stage),
    },
  })
  log.allowLogMetadata(serving, 'lag')
  grants.speedStore(serving)
  const described = [
    'reference/*',
    'batch/*',
    `${COMPACTION_PROGRESS_PREFIX}*`,
    `${INCIDENTS_PREFIX}*`,
    `${DECISIONS_PREFIX}*`,
  ]
  grants.readObjects(serving, ...described, 'views/*', 'history/*', `${AGGREGATES.prefix}*`, `${SITES_PREFIX}*`)
  return serving
}

function decisionsFunction(scope: Construct, { stage, names, grants }: ApiAndSiteProps): LambdaFunction {
  const decisions = deployedFunction(scope, stage, 'decisions', {
    memoryMb: 512,
    timeout: Duration.seconds(20),
    variables: { LANDCOVER_BUCKET: names.bucket },
  })
  grants.readObjects(decisions, `${INCIDENTS_PREFIX}*`, `${DECISIONS_PREFIX}*`)
  grants.writeObjects(decisions, `${DECISIONS_PREFIX}*`)
  return decisions
}

function ingestFunction(scope: Construct, { stage, names, grants, log }: ApiAndSiteProps): LambdaFunction {
  const ingest = deployedFunction(scope, stage, 'ingest', {
    memoryMb: 512,
    timeout: Duration.seconds(29),
    isTraced: true,
    variables: { LANDCOVER_BUCKET: names.bucket },
  })
  log.allowIngest(ingest)
  grants.readObjects(ingest, 'reference/*')
  return ingest
}
