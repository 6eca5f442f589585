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

export interface AthenaBatchQueryOptions {
  /** It says where the answers are put in S3, and how many bytes a statement may scan. */
  workGroup: string
  /** The database of the Glue catalog that has the archive's table. */
  database: string
  /** How long a statement may wait for its turn and run, together. */
  timeoutMs?: number
  /** Another than AWS's own; AWS_ENDPOINT_URL does the same. */
  endpoint?: string
  region?: string
}

/** Below the 15 minutes after which Lambda would end us, and leave the statement running. */
const DEFAULT_TIMEOUT_MS = 10 * 60_000
/** Statements take a second or more; all of an account share some tens of looks a second. */
const FIRST_LOOK_MS = 100
const LAST_LOOK_MS = 5_000
const GROWTH = 1.5
/** The client waits up to 20 s between attempts: enough for the requests of others to come down. */
const ATTEMPTS = 8
/** The most that Athena gives at once. */
const PAGE_ROWS = 1_000

/**
 * Queries the archive by Athena. A statement that takes too long, or runs while this is closed, is stopped, since
 * Athena would go on and charge for it.
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
  const running = new Set<Promise<unknown>>()

  /** Sent again after a failure, it starts nothing anew: the client gives each statement a token of its own. */
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

  async function rowsOf(id: string): Promise<SqlRow[]> {
    const rows: SqlRow[] = []
    let isFirstPage = true
    for await (const { ResultSet } of paginateGetQueryResults(
      { client, pageSize: PAGE_ROWS },
      { QueryExecutionId: id },
    )) {
      const columns = ResultSet?.ResultSetMetadata?.ColumnInfo ?? []
      // The first row of a SELECT's answer holds the columns' names.
      const page = (ResultSet?.Rows ?? []).slice(isFirstPage ? 1 : 0)
      for (const row of page) rows.push(toRow(columns, row))
      isFirstPage = false
    }
    return rows
  }

  async function query(sql: string) {
    const id = await start(sql)
    const { Status, Statistics } = await untilEnded(id)
    if (Status?.State !== 'SUCCEEDED') {
      const outcome = Status?.State === 'CANCELLED' ? 'was cancelled' : 'failed'
      throw new Error(`Athena query ${id} ${outcome}: ${Status?.StateChangeReason ?? 'Athena gives no reason'}`)
    }
    return { rows: await rowsOf(id), bytesScanned: Statistics?.DataScannedInBytes ?? 0 }
  }

  return {
    async query(sql) {
      const answer = query(sql)
      running.add(answer)
      try {
        return await answer
      } finally {
        running.delete(answer)
      }
    },
    async close() {
      closing.abort()
      await Promise.allSettled(running)
      client.destroy()
    },
  }
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
