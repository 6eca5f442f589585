import { setTimeout as sleep } from 'node:timers/promises'
import {
  AthenaClient,
  type ColumnInfo,
  GetQueryExecutionCommand,
  paginateGetQueryResults,
  type QueryExecution,
  type Row,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena'
import type { BatchQuery, SqlRow } from '../../ports/batch-query.ts'
import { limitedRequests } from '../aws/requests.ts'
import { toSqlValue } from './trino-values.ts'
import { underWay } from './under-way.ts'

/** Options of batch queries by Athena. */
export interface AthenaBatchQueryOptions {
  /** Workgroup. It defines where in S3 the answers are stored, and how many bytes a statement may scan. */
  workGroup: string
  /** Database of the Glue catalog with the archive's table. */
  database: string
  /** Time limit for a statement, waiting and running together, ms. */
  timeoutMs?: number
  /** Endpoint other than AWS's own. AWS_ENDPOINT_URL has the same effect. */
  endpoint?: string
  region?: string
}

/**
 * Default time limit, ms. It is below the 15 minutes after which Lambda would end the function and leave the statement
 * running.
 */
const DEFAULT_TIMEOUT_MS = 10 * 60_000
/**
 * Interval between status requests, ms. Statements take a second or more, and all statements of an account share some
 * tens of status requests a second.
 */
const FIRST_LOOK_MS = 100
const LAST_LOOK_MS = 5_000
const GROWTH = 1.5
/**
 * Maximum number of attempts. The client waits up to 20 s between attempts: enough for the other requests to decrease.
 */
const ATTEMPTS = 8
/** Maximum number of rows in an answer page of Athena. */
const PAGE_ROWS = 1_000

/**
 * Query engine on Athena. A statement that takes too long, or that runs when the engine is closed, is stopped;
 * otherwise Athena would continue and charge for it.
 */
export function openAthenaBatchQuery(options: AthenaBatchQueryOptions): BatchQuery {
  const { workGroup, database, timeoutMs = DEFAULT_TIMEOUT_MS, endpoint, region } = options
  const client = new AthenaClient({
    maxAttempts: ATTEMPTS,
    requestHandler: limitedRequests(5_000, 30_000),
    ...(endpoint && { endpoint }),
    ...(region && { region }),
  })
  const closing = new AbortController()
  const statements = underWay()

  /**
   * Starts a statement. A repeated request starts no second one, because the client gives each statement its own token.
   */
  async function start(sql: string): Promise<string> {
    const { QueryExecutionId } = await client.send(
      new StartQueryExecutionCommand({
        QueryString: sql,
        WorkGroup: workGroup,
        QueryExecutionContext: { Database: database },
      }),
    )
    return QueryExecutionId as string
  }

  async function untilEnded(id: string): Promise<QueryExecution> {
    const timeout = AbortSignal.timeout(timeoutMs)
    const signal = AbortSignal.any([closing.signal, timeout])
    try {
      for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * GROWTH, LAST_LOOK_MS)) {
        await sleep(pause, undefined, { signal })
        const command = new GetQueryExecutionCommand({ QueryExecutionId: id })
        const { QueryExecution: execution } = await client.send(command, { abortSignal: signal })
        const state = execution?.Status?.State
        if (execution && state !== 'QUEUED' && state !== 'RUNNING') return execution
      }
    } catch (cause) {
      const outcome = await client.send(new StopQueryExecutionCommand({ QueryExecutionId: id })).then(
        () => 'was stopped',
        error => `could not be stopped (${error})`,
      )
      const why = timeout.aborted
        ? `it took more than ${timeoutMs / 1000} s`
        : closing.signal.aborted
          ? 'the batch query is closed'
          : String(cause)
      throw new Error(`Athena query ${id} ${outcome}: ${why}`, { cause })
    }
  }

  async function query(sql: string) {
    const id = await start(sql)
    const { Status, Statistics } = await untilEnded(id)
    if (Status?.State !== 'SUCCEEDED') {
      const outcome = Status?.State === 'CANCELLED' ? 'was cancelled' : 'failed'
      throw new Error(`Athena query ${id} ${outcome}: ${Status?.StateChangeReason ?? 'Athena gives no reason'}`)
    }
    return { rows: await rowsOf(client, id), bytesScanned: Statistics?.DataScannedInBytes ?? 0 }
  }

  return {
    query: sql => statements.track(query(sql)),
    async close() {
      closing.abort()
      await statements.ended()
      client.destroy()
    },
  }
}

/** Reads all rows of a statement that has succeeded. */
async function rowsOf(client: AthenaClient, id: string): Promise<SqlRow[]> {
  const rows: SqlRow[] = []
  let isFirstPage = true
  for await (const { ResultSet } of paginateGetQueryResults(
    { client, pageSize: PAGE_ROWS },
    { QueryExecutionId: id },
  )) {
    const columns = ResultSet?.ResultSetMetadata?.ColumnInfo ?? []
    // The first row of a SELECT's answer contains the column names.
    const page = (ResultSet?.Rows ?? []).slice(isFirstPage ? 1 : 0)
    for (const row of page) rows.push(toRow(columns, row))
    isFirstPage = false
  }
  return rows
}

function toRow(columns: readonly ColumnInfo[], { Data = [] }: Row): SqlRow {
  return Object.fromEntries(
    columns.map(({ Name, Type, Scale = 0 }, at) => {
      // Null is a value without text; an empty text is a text.
      const text = Data[at]?.VarCharValue
      return [Name, text === undefined ? null : toSqlValue(Name as string, Type as string, Scale, text)]
    }),
  )
}
