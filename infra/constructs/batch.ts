import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { CfnWorkGroup } from 'aws-cdk-lib/aws-athena'
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler'
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets'
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { ARCHIVE_PREFIX } from '../../functions/archive/layout.ts'
import {
  ARCHIVE_PARTITION,
  ARCHIVE_TABLE,
  ARCHIVE_TABLE_COLUMNS,
  slotProjection,
} from '../../functions/archive/table.ts'
import { AGGREGATES } from '../../functions/batch/aggregates-table.ts'
import { DAYS } from '../../functions/batch/days-table.ts'
import { INCIDENTS_PREFIX } from '../../functions/batch/incidents-file.ts'
import { SECOND_MS } from '../../functions/core/time.ts'
import type { BatchOutcome } from '../../functions/runtime/aws/batch.ts'
import type { Names } from '../names.ts'
import { latenessText, type Stage, storeAddress } from '../stages.ts'
import { addAggregatesTables } from './aggregates-tables.ts'
import type { EventLogAccess } from './event-log.ts'
import { deployedFunction } from './function.ts'
import type { Grants } from './grants.ts'
import { manyResources, suppressNag } from './nag-suppressions.ts'
import type { Notifier } from './notifier.ts'
import { addSavedQueries } from './saved-queries.ts'
import type { Schedules } from './schedules.ts'

interface BatchLayerProps {
  stage: Stage
  names: Names
  grants: Grants
  log: EventLogAccess
  /** Null in stages without schedules. */
  schedules: Schedules | null
  notifier: Notifier
}

/** Number of tries of a run while a lane is behind, and number of pauses in a slot: a pause lasts a twelfth of it. */
const TRIES = 6
const PAUSES_PER_SLOT = 12

/** The batch layer: its function, its hourly state machine, and the archive as a table for Athena. */
export class BatchLayer extends Construct {
  readonly function: LambdaFunction
  readonly stateMachine: StateMachine

  constructor(scope: Construct, { stage, names, grants, log, schedules, notifier }: BatchLayerProps) {
    super(scope, 'Batch')
    const { batchQuery } = stage
    if (batchQuery.kind === 'athena') addTables(this, stage, names)
    this.function = deployedFunction(this, stage, 'batch', {
      memoryMb: 1769,
      timeout: Duration.minutes(15),
      variables: {
        LANDCOVER_STORE: storeAddress(stage, names.keyspace),
        LANDCOVER_BUCKET: names.bucket,
        // For a replay, which takes the settings of this function.
        LANDCOVER_LATENESS: latenessText(stage),
        LANDCOVER_WORK_GROUP: names.workGroup,
        LANDCOVER_DATABASE: batchQuery.kind === 'athena' ? names.database : batchQuery.database,
      },
      ...(batchQuery.kind === 'athena-api' && { extraVariables: { AWS_ENDPOINT_URL_ATHENA: batchQuery.endpoint } }),
    })
    log.allowLogMetadata(this.function, 'lanes')
    grants.speedStore(this.function)
    grants.athena(this.function)
    const ofViews = ['views/*', 'history/*', `${AGGREGATES.prefix}*`, `${DAYS.prefix}*`, `${INCIDENTS_PREFIX}*`]
    grants.readObjects(this.function, ...ofViews, 'imports/*')
    grants.writeObjects(this.function, ...ofViews, 'batch/*')
    grants.deleteObjects(this.function, ...ofViews)

    const stateMachineName = `landcover-${stage.name}-batch`
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName,
      definitionBody: DefinitionBody.fromString(
        JSON.stringify(definition(this.function.functionArn, notifier.function.functionArn, stage.slotMs)),
      ),
      timeout: Duration.minutes(55),
      tracingEnabled: true,
      logs: {
        destination: new LogGroup(this, 'StateMachineLog', {
          logGroupName: `/aws/vendedlogs/states/${stateMachineName}`,
          retention: stage.logDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
      },
    })
    const resources = [this.function.functionArn, notifier.function.functionArn]
    this.stateMachine.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources }))
    const why = 'CloudWatch and X-Ray do not support single resources for the delivery of logs and traces.'
    suppressNag(this.stateMachine, why, manyResources('*'))
    if (schedules) {
      new Schedule(this, 'Hourly', {
        scheduleGroup: schedules.group,
        // At ten past, the files of the last hour are there: heartbeats come every minute, plus the batching window.
        schedule: ScheduleExpression.cron({ minute: '10' }),
        target: new StepFunctionsStartExecution(this.stateMachine, { deadLetterQueue: schedules.failed }),
      })
    }
  }
}

/**
 * State machine definition: it repeats the run until no lane is behind, and then tells receivers of incidents. A run succeeds
 * also when that fails: the notifier's next round comes soon, and it has alarms of its own. Waiting is free in a state machine, but not in a
 * function. The input of an execution is a BatchTask: `{}`, or `{"backfill":{"from":"2026-11-01","to":"2026-11-22"}}`.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 */
function definition(functionArn: string, notifierArn: string, slotMs: number): object {
  const pauseSeconds = Math.max(1, Math.round(slotMs / PAUSES_PER_SLOT / SECOND_MS))
  const behind: `$.outcome.${keyof BatchOutcome}` = '$.outcome.behind'
  return {
    StartAt: 'Begin',
    States: {
      Begin: { Type: 'Pass', Result: { tries: 0 }, Next: 'Run' },
      Run: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Parameters: { FunctionName: functionArn, 'Payload.$': '$$.Execution.Input' },
        ResultSelector: { 'revision.$': '$.Payload.revision', 'behind.$': '$.Payload.behind' },
        ResultPath: '$.outcome',
        Retry: [
          {
            ErrorEquals: ['Lambda.ServiceException', 'Lambda.SdkClientException', 'Lambda.TooManyRequestsException'],
            IntervalSeconds: 2,
            MaxAttempts: 5,
            BackoffRate: 2,
          },
        ],
        Next: 'Count',
      },
      Count: {
        Type: 'Pass',
        Parameters: { 'outcome.$': '$.outcome', 'tries.$': 'States.MathAdd($.tries, 1)' },
        Next: 'IsAnyLaneBehind',
      },
      IsAnyLaneBehind: {
        Type: 'Choice',
        Choices: [
          { Variable: `${behind}[0]`, IsPresent: false, Next: 'Tell' },
          { Variable: '$.tries', NumericGreaterThanEquals: TRIES, Next: 'LanesBehind' },
        ],
        Default: 'WaitForLanes',
      },
      WaitForLanes: { Type: 'Wait', Seconds: pauseSeconds, Next: 'Run' },
      LanesBehind: {
        Type: 'Fail',
        Error: 'LanesBehind',
        CausePath: `States.Format('these lanes are archived less far than others: {}', States.JsonToString(${behind}))`,
      },
      Tell: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Parameters: { FunctionName: notifierArn, Payload: {} },
        ResultPath: null,
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'Done' }],
        Next: 'Done',
      },
      Done: { Type: 'Succeed', OutputPath: '$.outcome' },
    },
  }
}

/** Adds the Glue database, the table of the archive, and Athena's workgroup. */
function addTables(scope: Construct, stage: Stage, names: Names): void {
  const { account } = Stack.of(scope)
  const location = (prefix: string) => `s3://${names.bucket}/${prefix}`
  const database = new CfnDatabase(scope, 'Database', {
    catalogId: account,
    databaseInput: { name: names.database, description: `landcover, stage ${stage.name}` },
  })
  const archive = new CfnTable(scope, 'ArchiveTable', {
    catalogId: account,
    databaseName: names.database,
    tableInput: {
      name: ARCHIVE_TABLE,
      description: 'All records that the log delivered, one row for each event, including copies',
      tableType: 'EXTERNAL_TABLE',
      parameters: {
        ...slotProjection(stage.slotMs),
        'storage.location.template': location(
          `${ARCHIVE_PREFIX}${ARCHIVE_PARTITION.name}=\${${ARCHIVE_PARTITION.name}}/`,
        ),
      },
      partitionKeys: [ARCHIVE_PARTITION],
      storageDescriptor: {
        location: location(ARCHIVE_PREFIX),
        columns: [...ARCHIVE_TABLE_COLUMNS],
        inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
        outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
        serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
      },
    },
  })
  archive.addResourceDependency(database)
  addAggregatesTables(scope, names, database)
  const workGroup = new CfnWorkGroup(scope, 'WorkGroup', {
    name: names.workGroup,
    // The workgroup contains only the history of its statements.
    recursiveDeleteOption: true,
    workGroupConfiguration: {
      enforceWorkGroupConfiguration: true,
      publishCloudWatchMetricsEnabled: true,
      bytesScannedCutoffPerQuery: stage.scanLimitBytes,
      engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
      resultConfiguration: {
        outputLocation: location('athena/'),
        encryptionConfiguration: { encryptionOption: 'SSE_S3' },
      },
    },
  })
  addSavedQueries(workGroup, stage, names)
}
