import { Stack } from 'aws-cdk-lib'
import { type CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue'
import type { Construct } from 'constructs'
import type { TableColumn } from '../../functions/archive/table.ts'
import { AGGREGATES } from '../../functions/batch/aggregates-table.ts'
import { DAYS } from '../../functions/batch/days-table.ts'
import type { RevisionTable } from '../../functions/batch/revision-table.ts'
import { sqlType } from '../../functions/parquet/hive-type.ts'
import type { Names } from '../names.ts'

/** Table, with the names of its constructs and the words for descriptions. */
interface Named {
  table: Pick<RevisionTable<never>, 'prefix' | 'all' | 'newest' | 'columns' | 'sql'>
  /** Names of the constructs. */
  ids: { all: string; newest: string }
  /** Content of a row, for descriptions. */
  rows: string
}

const TABLES: readonly Named[] = [
  {
    table: AGGREGATES,
    ids: { all: 'AllAggregatesTable', newest: 'AggregatesView' },
    rows: 'Statistics of each class over all time',
  },
  { table: DAYS, ids: { all: 'AllDaysTable', newest: 'DaysView' }, rows: 'Statistics of each class and day' },
]

/** Adds the tables of the batch view to the Glue catalog: of all revisions, and SQL views of the newest one. */
export function addAggregatesTables(scope: Construct, names: Names, database: CfnDatabase): void {
  for (const named of TABLES) addBoth(scope, names, database, named)
}

function addBoth(scope: Construct, names: Names, database: CfnDatabase, { table, ids, rows }: Named): void {
  const { account } = Stack.of(scope)
  const ofDatabase = { catalogId: account, databaseName: names.database }
  const { prefix, columns, sql } = table
  const all = new CfnTable(scope, ids.all, {
    ...ofDatabase,
    tableInput: {
      name: table.all,
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
      name: table.newest,
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

/** Definition of a SQL view in the form in which Athena and Trino write their own into the catalog. */
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
