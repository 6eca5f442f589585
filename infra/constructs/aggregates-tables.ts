import { Stack } from 'aws-cdk-lib'
import { type CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue'
import type { Construct } from 'constructs'
import type { TableColumn } from '../../functions/archive/table.ts'
import {
  AGGREGATES_COLUMNS,
  AGGREGATES_PREFIX,
  AGGREGATES_SQL,
  AGGREGATES_TABLE,
  ALL_AGGREGATES_TABLE,
} from '../../functions/batch/aggregates-table.ts'
import { ALL_DAYS_TABLE, DAYS_COLUMNS, DAYS_PREFIX, DAYS_SQL, DAYS_TABLE } from '../../functions/batch/days-table.ts'
import { sqlType } from '../../functions/parquet/hive-type.ts'
import type { Names } from '../names.ts'

/** A table of all revisions, and a SQL view of the newest one. */
interface Tables {
  /** Names of the constructs. */
  ids: { all: string; newest: string }
  all: string
  newest: string
  /** What a row is, for descriptions. */
  rows: string
  prefix: string
  columns: readonly TableColumn[]
  sql: string
}

const TABLES: readonly Tables[] = [
  {
    ids: { all: 'AllAggregatesTable', newest: 'AggregatesView' },
    all: ALL_AGGREGATES_TABLE,
    newest: AGGREGATES_TABLE,
    rows: 'Statistics of each class over all time',
    prefix: AGGREGATES_PREFIX,
    columns: AGGREGATES_COLUMNS,
    sql: AGGREGATES_SQL,
  },
  {
    ids: { all: 'AllDaysTable', newest: 'DaysView' },
    all: ALL_DAYS_TABLE,
    newest: DAYS_TABLE,
    rows: 'Statistics of each class and day',
    prefix: DAYS_PREFIX,
    columns: DAYS_COLUMNS,
    sql: DAYS_SQL,
  },
]

/** Adds the tables of the batch view to the Glue catalog: of all revisions, and SQL views of the newest one. */
export function addAggregatesTables(scope: Construct, names: Names, database: CfnDatabase): void {
  for (const tables of TABLES) addBoth(scope, names, database, tables)
}

function addBoth(scope: Construct, names: Names, database: CfnDatabase, tables: Tables): void {
  const { account } = Stack.of(scope)
  const ofDatabase = { catalogId: account, databaseName: names.database }
  const { ids, rows, prefix, columns, sql } = tables
  const all = new CfnTable(scope, ids.all, {
    ...ofDatabase,
    tableInput: {
      name: tables.all,
      description: `${rows}, for each revision of the batch view that is kept`,
      tableType: 'EXTERNAL_TABLE',
      storageDescriptor: {
        location: `s3://${names.bucket}/${prefix}`,
        columns: [...columns],
        inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
        outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
        serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
      },
    },
  })
  all.addResourceDependency(database)
  const newest = new CfnTable(scope, ids.newest, {
    ...ofDatabase,
    tableInput: {
      name: tables.newest,
      description: `${rows}, of the newest revision of the batch view`,
      tableType: 'VIRTUAL_VIEW',
      parameters: { presto_view: 'true', comment: 'Presto View' },
      viewOriginalText: viewText(names.database, sql, columns),
      viewExpandedText: '/* Presto View */',
      storageDescriptor: { location: '', columns: [...columns], serdeInfo: {} },
    },
  })
  newest.addResourceDependency(all)
}

/** Definition of a SQL view in the form in which Athena and Trino write theirs into the catalog. */
function viewText(schema: string, originalSql: string, columns: readonly TableColumn[]): string {
  const definition = {
    originalSql,
    catalog: 'awsdatacatalog',
    schema,
    columns: columns.map(({ name, type }) => ({ name, type: trinoType(type) })),
  }
  return `/* Presto View: ${Buffer.from(JSON.stringify(definition)).toString('base64')} */`
}

/** Trino says the precision of times: milliseconds by default. */
function trinoType(type: string): string {
  return type === 'timestamp' ? 'timestamp(3)' : sqlType(type)
}
