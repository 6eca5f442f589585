import { ArnFormat, Stack } from 'aws-cdk-lib'
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { TABLES } from '../functions/adapters/schema.ts'
import { ARCHIVE_TABLE } from '../functions/archive/table.ts'
import { acknowledge, manyResources } from './acknowledged.ts'
import type { Names } from './names.ts'
import type { Stage } from './stages.ts'

const MANY_OBJECTS = 'A prefix of keys in our own bucket: the names of the objects are not known before they are made.'

/**
 * Grants each function exactly what it does; with the event log, EventLogAccess does. Where a grant names no single
 * resource, it has a reason.
 */
export class Access {
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

  /** @param keys prefixes of keys: `views/*` */
  readObjects(who: LambdaFunction, ...keys: string[]): void {
    this.#grant(who, ['s3:GetObject'], this.#objectArns(keys), MANY_OBJECTS)
    // Without it S3 answers for an object that is not there as for one that we may not see.
    this.#grant(who, ['s3:ListBucket'], [this.#bucketArn()])
  }

  writeObjects(who: LambdaFunction, ...keys: string[]): void {
    this.#grant(who, ['s3:PutObject'], this.#objectArns(keys), MANY_OBJECTS)
  }

  deleteObjects(who: LambdaFunction, ...keys: string[]): void {
    this.#grant(who, ['s3:DeleteObject'], this.#objectArns(keys), MANY_OBJECTS)
  }

  /** All that use the store may write: whoever opens it first settles, in one row, what all others depend on. */
  speedStore(who: LambdaFunction): void {
    if (this.#stage.speedStore.kind !== 'keyspaces') return
    const tables = TABLES.map(({ name }) => this.#tableArn(this.#names.keyspace, name))
    this.#grant(who, ['cassandra:Select', 'cassandra:Modify'], tables)
    const system = ['system', 'system_schema', 'system_schema_mcs'].map(keyspace => this.#tableArn(keyspace, '*'))
    const why =
      "The driver reads the service's addresses and the form of our tables in system tables, which hold no data."
    this.#grant(who, ['cassandra:Select'], system, why)
  }

  athena(who: LambdaFunction): void {
    if (this.#stage.batchQuery.kind !== 'athena') return
    const { workGroup, database } = this.#names
    this.#grant(
      who,
      ['athena:StartQueryExecution', 'athena:GetQueryExecution', 'athena:GetQueryResults', 'athena:StopQueryExecution'],
      [this.#stack.formatArn({ service: 'athena', resource: 'workgroup', resourceName: workGroup })],
    )
    const glue = (resource: string, resourceName: string) =>
      this.#stack.formatArn({ service: 'glue', resource, resourceName })
    const catalog = this.#stack.formatArn({ service: 'glue', resource: 'catalog' })
    this.#grant(
      who,
      ['glue:GetDatabase', 'glue:GetTable', 'glue:GetPartitions'],
      [catalog, glue('database', database), glue('table', `${database}/${ARCHIVE_TABLE}`)],
    )
    // Athena looks for it, whatever a statement is about.
    this.#grant(who, ['glue:GetDatabase'], [glue('database', 'default')])
    // Athena reads the archive and writes its answers as who asks.
    this.readObjects(who, 'archive/*', 'athena/*')
    this.writeObjects(who, 'athena/*')
    this.#grant(who, ['s3:GetBucketLocation'], [this.#bucketArn()])
  }

  bus(who: LambdaFunction): void {
    const arn = this.#stack.formatArn({ service: 'events', resource: 'event-bus', resourceName: this.#names.bus })
    this.#grant(who, ['events:PutEvents'], [arn])
  }

  /** @param why of resources that end in `*` */
  #grant(who: LambdaFunction, actions: string[], resources: string[], why?: string): void {
    who.addToRolePolicy(new PolicyStatement({ actions, resources }))
    for (const resource of resources.filter(arn => arn.endsWith('*'))) {
      if (!why) throw new Error(`${who.node.path}: a reason is missing for ${resource}`)
      acknowledge(who.role as IRole, why, manyResources(resource))
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
