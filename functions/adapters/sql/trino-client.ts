import { setTimeout as sleep } from 'node:timers/promises'
import { underWay } from './under-way.ts'

/** Address of a Trino server, with catalog and schema. */
export interface TrinoConnection {
  /** `http://host:port` of the coordinator. */
  url: string
  catalog: string
  schema: string
}

/** Column of an answer. */
export interface TrinoColumn {
  name: string
  /** Type name of Trino: `bigint`, `decimal(38, 0)`. */
  type: string
}

/** Values; bigint when a number could not represent the integer exactly. */
export type TrinoValue = string | number | bigint | boolean | null

/** Answer to a statement, with all its pages. */
export interface TrinoAnswer {
  columns: TrinoColumn[]
  rows: TrinoValue[][]
  /** Bytes read from files, before decoding. */
  bytesRead: number
}

/** Client of Trino's HTTP protocol. */
export interface TrinoClient {
  /**
   * Runs a statement.
   *
   * @throws Error with the query's id and Trino's reason when it fails, or when the client is closed meanwhile
   */
  run(sql: string): Promise<TrinoAnswer>
  /** Cancels the running statements. */
  close(): Promise<void>
}

/** Fields that we read from an answer of Trino. */
interface QueryResults {
  id: string
  nextUri?: string
  columns?: TrinoColumn[]
  data?: TrinoValue[][]
  error?: { errorName: string; message: string }
  stats: { physicalInputBytes: number }
}

/** Time limit for an answer, ms. Trino delays an answer without news for at most a second. */
const ANSWER_TIMEOUT_MS = 60_000
/** HTTP statuses after which the same request must be sent again in 50 to 100 ms. */
const TRY_AGAIN = new Set([502, 503, 504])
const TRY_AGAIN_MS = 100
const MAX_ATTEMPTS = 50

/** @see https://trino.io/docs/476/develop/client-protocol.html */
export function openTrinoClient({ url, catalog, schema }: TrinoConnection): TrinoClient {
  const headers = {
    'X-Trino-User': 'landcover',
    'X-Trino-Source': 'landcover',
    'X-Trino-Catalog': catalog,
    'X-Trino-Schema': schema,
    'X-Trino-Time-Zone': 'UTC',
  }
  const closing = new AbortController()
  const statements = underWay()

  async function request(method: 'GET' | 'POST', uri: string, body?: string): Promise<QueryResults> {
    for (let attempt = 1; ; attempt++) {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)])
      const response = await fetch(uri, { method, headers, signal, ...(body !== undefined && { body }) })
      const text = await response.text()
      if (response.ok) return parseExactly(text) as QueryResults
      if (!TRY_AGAIN.has(response.status) || attempt === MAX_ATTEMPTS) {
        throw new Error(`HTTP status ${response.status}: ${text.slice(0, 500)}`)
      }
      await sleep(TRY_AGAIN_MS, undefined, { signal })
    }
  }

  /**
   * Cancels a query. If this fails, the query ends by itself: Trino gives up a query after five minutes without a
   * request.
   */
  async function cancel(uri: string): Promise<void> {
    await fetch(uri, { method: 'DELETE', headers, signal: AbortSignal.timeout(5_000) }).catch(() => {})
  }

  async function run(sql: string): Promise<TrinoAnswer> {
    let results = await request('POST', `${url}/v1/statement`, sql).catch(cause => {
      throw new Error(`Trino at ${url} did not accept the statement: ${reasonOf(cause)}`, { cause })
    })
    const { id } = results
    let columns: TrinoColumn[] = []
    const rows: TrinoValue[][] = []
    for (;;) {
      const { error, data, nextUri, stats } = results
      if (error) throw new Error(`Trino query ${id} failed: ${error.errorName}: ${error.message}`)
      columns = results.columns ?? columns
      for (const row of data ?? []) rows.push(row)
      if (!nextUri) return { columns, rows, bytesRead: stats.physicalInputBytes }
      results = await request('GET', nextUri).catch(async cause => {
        await cancel(nextUri)
        throw new Error(`Trino query ${id} was cancelled: ${reasonOf(cause)}`, { cause })
      })
    }
  }

  return {
    run: sql => statements.track(run(sql)),
    async close() {
      closing.abort(new Error('the client is closed'))
      await statements.ended()
    },
  }
}

/** Parses a type such as `decimal(38, 0)` into its name and numbers. */
export function parseType(type: string): { base: string; precision: number; scale: number } {
  const [, base = type, precision, scale] = /^(\w+)\((\d+)(?:, *(\d+))?\)$/.exec(type) ?? []
  return { base, precision: Number(precision ?? 0), scale: Number(scale ?? 0) }
}

/**
 * Parses JSON with exact integers. Trino's bigint is a JSON number, of which JavaScript keeps only 53 bits, so its
 * digits are read from the source text.
 *
 * @see https://developer.mozilla.org/docs/Web/JavaScript/Reference/Global_Objects/JSON/parse#the_reviver_parameter
 */
function parseExactly(json: string): unknown {
  // TypeScript does not know the third parameter yet.
  return JSON.parse(json, (_, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
    const digits = context?.source ?? ''
    return /^-?\d+$/.test(digits) ? BigInt(digits) : value
  })
}

/** Returns the reason of an error. For a failed connection, fetch itself says only that it failed. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}
