import { ArnFormat, Stack } from 'aws-cdk-lib'
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { TABLES } from '../../functions/adapters/row-encoding/tables.ts'
import { ARCHIVE_TABLE } from '../../functions/archive/table.ts'
import type { Names } from '../names.ts'
import type { Stage } from '../stages.ts'
import { manyResources, suppressNag } from './nag-suppressions.ts'

const MANY_OBJECTS = 'A prefix of keys in our own bucket: object names are not known in advance.'

/**
 * Grants each function exactly the permissions that it needs. Permissions for the event log come from EventLogAccess. A
 * grant for more than one resource states its reason.
 */
export class Grants {
  readonly #stack: Stack
  readonly #stage: Stage
  readonly #names: Names

  constructor(scope: Construct, stage: Stage, names: Names) {
    this.#stack = Stack.of(scope)
    this.#stage = stage
    this.#names = names
  }

  /** Name of the bucket. */
  get bucket(): string {
    return this.#names.bucket
  }

  /** @param keys key patterns, such as `views/*` */
  readObjects(fn: LambdaFunction, ...keys: string[]): void {
    this.#grant(fn, ['s3:GetObject'], this.#objectArns(keys), MANY_OBJECTS)
    // Without ListBucket, S3 gives the same answer for a missing object as for a forbidden one.
    this.#grant(fn, ['s3:ListBucket'], [this.#bucketArn()])
  }

  /** Grants reads of whole buckets with images. @param buckets names, also of other accounts */
  readImages(fn: LambdaFunction, buckets: readonly string[]): void {
    if (buckets.length === 0) return
    const arns = buckets.map(bucket =>
      this.#stack.formatArn({ service: 's3', region: '', account: '', resource: bucket }),
    )
    this.#grant(
      fn,
      ['s3:GetObject'],
      arns.map(arn => `${arn}/*`),
      'Buckets of images: object names are not known in advance.',
    )
    // Without ListBucket, S3 gives the same answer for a missing object as for a forbidden one.
    this.#grant(fn, ['s3:ListBucket'], arns)
  }

  writeObjects(fn: LambdaFunction, ...keys: string[]): void {
    this.#grant(fn, ['s3:PutObject'], this.#objectArns(keys), MANY_OBJECTS)
  }

  deleteObjects(fn: LambdaFunction, ...keys: string[]): void {
    this.#grant(fn, ['s3:DeleteObject'], this.#objectArns(keys), MANY_OBJECTS)
  }

  /** Grants reads and writes. Each user of the store needs writes: the first one that opens it writes the format row. */
  speedStore(fn: LambdaFunction): void {
    if (this.#stage.speedStore.kind !== 'keyspaces') return
    const tables = TABLES.map(({ name }) => this.#tableArn(this.#names.keyspace, name))
    this.#grant(fn, ['cassandra:Select', 'cassandra:Modify'], tables)
    const system = ['system', 'system_schema', 'system_schema_mcs'].map(keyspace => this.#tableArn(keyspace, '*'))
    const why =
      'The driver reads addresses of the service and definitions of our tables from system tables, which hold no data.'
    this.#grant(fn, ['cassandra:Select'], system, why)
  }

  athena(fn: LambdaFunction): void {
    if (this.#stage.batchQuery.kind !== 'athena') return
    const { workGroup, database } = this.#names
    this.#grant(
      fn,
      ['athena:StartQueryExecution', 'athena:GetQueryExecution', 'athena:GetQueryResults', 'athena:StopQueryExecution'],
      [this.#stack.formatArn({ service: 'athena', resource: 'workgroup', resourceName: workGroup })],
    )
    const glue = (resource: string, resourceName: string) =>
      this.#stack.formatArn({ service: 'glue', resource, resourceName })
    const catalog = this.#stack.formatArn({ service: 'glue', resource: 'catalog' })
    this.#grant(
      fn,
      ['glue:GetDatabase', 'glue:GetTable', 'glue:GetPartitions'],
      [catalog, glue('database', database), glue('table', `${database}/${ARCHIVE_TABLE}`)],
    )
    // Athena looks up the default database for every statement.
    this.#grant(fn, ['glue:GetDatabase'], [glue('database', 'default')])
    // Athena reads the archive and writes its results with the caller's permissions.
    this.readObjects(fn, 'archive/*', 'athena/*')
    this.writeObjects(fn, 'athena/*')
    this.#grant(fn, ['s3:GetBucketLocation'], [this.#bucketArn()])
  }

  /** Grants an action that the notifier needs for its receivers, where it has such receivers. */
  notifier(fn: LambdaFunction, action: string, resources: readonly string[]): void {
    if (resources.length > 0) this.#grant(fn, [action], [...new Set(resources)])
  }

  /** @param why reason for resources that end in `*` */
  #grant(fn: LambdaFunction, actions: string[], resources: string[], why?: string): void {
    fn.addToRolePolicy(new PolicyStatement({ actions, resources }))
    for (const resource of resources.filter(arn => arn.endsWith('*'))) {
      if (!why) throw new Error(`${fn.node.path}: the grant for ${resource} has no reason`)
      suppressNag(fn.role as IRole, why, manyResources(resource))
    }
  }

  #bucketArn(): string {
    return `arn:${this.#stack.partition}:s3:::${this.#names.bucket}`
  }

  #objectArns(keys: readonly string[]): string[] {
    return keys.map(key => `${this.#bucketArn()}/${key}`)
  }

  #tableArn(keyspace: string, table: string): string {
    const resourceName = `${keyspace}/table/${table}`
    const arnFormat = ArnFormat.SLASH_RESOURCE_SLASH_RESOURCE_NAME
    return this.#stack.formatArn({ service: 'cassandra', resource: 'keyspace', resourceName, arnFormat })
  }
}
