import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { openTrinoClient, parseType } from '../../functions/adapters/sql/trino-client.ts'
import { TRINO_CATALOG, type Trino } from './trino.ts'

/** Result of a statement in an engine, in Athena's form: values are texts or null. */
export interface AthenaAnswer {
  columns: { name: string; type: string; precision: number; scale: number }[]
  rows: (string | null)[][]
  bytesScanned: number
}

/** Runs a statement in a database until the signal aborts it. */
export type Execute = (sql: string, database: string, signal: AbortSignal) => Promise<AthenaAnswer>

/** Body of a request. */
type Input = Record<string, unknown>
type Action = 'StartQueryExecution' | 'GetQueryExecution' | 'GetQueryResults' | 'StopQueryExecution'

/** Stand-in for Athena on loopback: its API in front of an engine that executes. */
export interface AthenaServer {
  endpoint: string
  /** Statements that were started, each with its request. */
  started: { sql: string; workGroup: string }[]
  /** Number of requests of an action, including refused ones. */
  count(action: Action): number
  /** Refuses the next requests of an action with an error of that name. */
  refuse(action: Action, times: number, error: string): void
  /** Executes the next request of an action, and closes the connection without an answer. */
  hangUp(action: Action): void
  /** Cancels running statements, as another user could. */
  cancelAll(reason: string): void
  close(): Promise<void>
}

export const ATHENA_REGION = 'us-east-1'
const MAX_PAGE_ROWS = 1_000

interface Execution {
  state: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED'
  /** A statement is running until its state was read once. */
  isSeen: boolean
  reason?: string
  answer?: AthenaAnswer
  giveUp: AbortController
}

class Refusal extends Error {}

/** @see https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html */
export async function startAthenaServer(execute: Execute): Promise<AthenaServer> {
  // The adapter under test finds them in the same place as on AWS.
  process.env.AWS_ACCESS_KEY_ID ??= 'test'
  process.env.AWS_SECRET_ACCESS_KEY ??= 'test'
  const { started, actions, cancelAll } = athenaActions(execute)
  const counts = new Map<Action, number>()
  const refusals = new Map<Action, string[]>()
  const hangUps = new Set<Action>()

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const action = String(request.headers['x-amz-target']).replace('AmazonAthena.', '') as Action
    const input = (await json(request)) as Input
    counts.set(action, (counts.get(action) ?? 0) + 1)
    const refused = refusals.get(action)?.shift()
    const [status, body] = refused
      ? [400, { __type: refused, message: 'Rate exceeded' }]
      : answerTo(actions[action], input)
    if (hangUps.delete(action)) return void request.socket.destroy()
    response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(error => response.writeHead(500).end(String(error)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    started,
    count: action => counts.get(action) ?? 0,
    refuse: (action, times, error) => void refusals.set(action, Array(times).fill(error)),
    hangUp: action => void hangUps.add(action),
    cancelAll,
    async close() {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    },
  }
}

function answerTo(run: (input: Input) => object, input: Input): [status: number, body: object] {
  try {
    return [200, run(input)]
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return [400, { __type: 'InvalidRequestException', message: error.message }]
  }
}

/** The actions of the API, on statements that run in the engine. */
function athenaActions(execute: Execute) {
  const started: AthenaServer['started'] = []
  const executions = new Map<string, Execution>()
  const idOfToken = new Map<string, string>()

  function start(request: Input): object {
    const token = request.ClientRequestToken as string
    const known = idOfToken.get(token)
    if (known) return { QueryExecutionId: known }
    const sql = request.QueryString as string
    const { Database } = request.QueryExecutionContext as { Database: string }
    const id = `00000000-0000-4000-8000-${String(executions.size).padStart(12, '0')}`
    started.push({ sql, workGroup: request.WorkGroup as string })
    const execution: Execution = { state: 'RUNNING', isSeen: false, giveUp: new AbortController() }
    executions.set(id, execution)
    idOfToken.set(token, id)
    execute(sql, Database, execution.giveUp.signal).then(
      answer => end(execution, { state: 'SUCCEEDED', answer }),
      (error: Error) => end(execution, { state: 'FAILED', reason: error.message }),
    )
    return { QueryExecutionId: id }
  }

  function executionOf({ QueryExecutionId: id }: Input): Execution {
    const execution = executions.get(id as string)
    if (!execution) throw new Refusal(`QueryExecution ${id} was not found`)
    return execution
  }

  const actions: Record<Action, (request: Input) => object> = {
    StartQueryExecution: start,
    GetQueryExecution: request => statusOf(executionOf(request), request),
    GetQueryResults: request => resultsOf(executionOf(request), request),
    StopQueryExecution(request) {
      cancel(executionOf(request), 'Query cancelled by user')
      return {}
    },
  }
  return {
    started,
    actions,
    cancelAll(reason: string): void {
      for (const execution of executions.values()) cancel(execution, reason)
    },
  }
}

function end(execution: Execution, outcome: Partial<Execution>): void {
  if (execution.state === 'RUNNING') Object.assign(execution, outcome)
}

function cancel(execution: Execution, reason: string): void {
  end(execution, { state: 'CANCELLED', reason })
  execution.giveUp.abort()
}

function statusOf(execution: Execution, request: Input): object {
  const State = execution.isSeen ? execution.state : 'QUEUED'
  execution.isSeen = true
  return {
    QueryExecution: {
      QueryExecutionId: request.QueryExecutionId,
      Status: { State, StateChangeReason: execution.reason },
      Statistics: { DataScannedInBytes: execution.answer?.bytesScanned ?? 0 },
    },
  }
}

function resultsOf({ state, answer }: Execution, request: Input): object {
  const { MaxResults = MAX_PAGE_ROWS, NextToken = '0' } = request as { MaxResults?: number; NextToken?: string }
  if (!answer) throw new Refusal(`Query did not finish successfully. Final query state: ${state}`)
  if (MaxResults > MAX_PAGE_ROWS) throw new Refusal(`MaxResults is more than maximum allowed length ${MAX_PAGE_ROWS}.`)
  const all = [answer.columns.map(({ name }) => name), ...answer.rows]
  const until = Number(NextToken) + MaxResults
  return {
    ResultSet: {
      Rows: all.slice(Number(NextToken), until).map(row => ({
        Data: row.map(value => (value === null ? {} : { VarCharValue: value })),
      })),
      ResultSetMetadata: {
        ColumnInfo: answer.columns.map(({ name, type, precision, scale }) => ({
          Name: name,
          Label: name,
          Type: type,
          Precision: precision,
          Scale: scale,
        })),
      },
    },
    ...(until < all.length && { NextToken: String(until) }),
  }
}

/** Athena uses Trino: an Athena database is a schema here. */
export function executeOnTrino({ url }: Trino): Execute {
  return async (sql, database, signal) => {
    const client = openTrinoClient({ url, catalog: TRINO_CATALOG, schema: database })
    signal.addEventListener('abort', () => void client.close())
    const { columns, rows, bytesRead } = await client.run(sql)
    return {
      columns: columns.map(({ name, type }) => {
        const { base, precision, scale } = parseType(type)
        return { name, type: base, precision, scale }
      }),
      rows: rows.map(row => row.map(value => (value === null ? null : String(value)))),
      bytesScanned: bytesRead,
    }
  }
}
