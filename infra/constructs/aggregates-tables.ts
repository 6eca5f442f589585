import { Stack } from 'aws-cdk-lib'
import { type CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue'
import type { Construct } from 'constructs'
import {
  AGGREGATES_COLUMNS,
  AGGREGATES_PREFIX,
  AGGREGATES_SQL,
  AGGREGATES_TABLE,
  ALL_AGGREGATES_TABLE,
} from '../../functions/batch/aggregates-table.ts'
import { sqlType } from '../../functions/parquet/hive-type.ts'
import type { Names } from '../names.ts'

/** Adds the tables of the batch view to the Glue catalog: all revisions, and a SQL view of the newest one. */
export function addAggregatesTables(scope: Construct, names: Names, database: CfnDatabase): void {
  const { account } = Stack.of(scope)
  const ofDatabase = { catalogId: account, databaseName: names.database }
  const all = new CfnTable(scope, 'AllAggregatesTable', {
    ...ofDatabase,
    tableInput: {
      name: ALL_AGGREGATES_TABLE,
      description: 'Statistics of each class over all time, for each revision of the batch view that is kept',
      tableType: 'EXTERNAL_TABLE',
      storageDescriptor: {
        location: `s3://${names.bucket}/${AGGREGATES_PREFIX}`,
        columns: [...AGGREGATES_COLUMNS],
        inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
        outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
        serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
      },
    },
  })
  all.addResourceDependency(database)
  const newest = new CfnTable(scope, 'AggregatesView', {
    ...ofDatabase,
    tableInput: {
      name: AGGREGATES_TABLE,
      description: 'Statistics of each class over all time, of the newest revision of the batch view',
      tableType: 'VIRTUAL_VIEW',
      parameters: { presto_view: 'true', comment: 'Presto View' },
      viewOriginalText: viewText(names.database),
      viewExpandedText: '/* Presto View */',
      storageDescriptor: { location: '', columns: [...AGGREGATES_COLUMNS], serdeInfo: {} },
    },
  })
  newest.addResourceDependency(all)
}

/** Definition of the SQL view in the form in which Athena and Trino write theirs into the catalog. */
function viewText(schema: string): string {
  const definition = {
    originalSql: AGGREGATES_SQL,
    catalog: 'awsdatacatalog',
    schema,
    columns: AGGREGATES_COLUMNS.map(({ name, type }) => ({ name, type: trinoType(type) })),
  }
  return `/* Presto View: ${Buffer.from(JSON.stringify(definition)).toString('base64')} */`
}

/** Trino says the precision of times: milliseconds by default. */
function trinoType(type: string): string {
  return type === 'timestamp' ? 'timestamp(3)' : sqlType(type)
}
