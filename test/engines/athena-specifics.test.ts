import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openAthenaBatchQuery } from '../../functions/adapters/sql/athena-batch-query.ts'
import type { BatchQuery } from '../../functions/ports/batch-query.ts'
import {
  ATHENA_REGION,
  type AthenaAnswer,
  type AthenaServer,
  type Execute,
  startAthenaServer,
} from './athena-server.ts'

const WORK_GROUP = 'landcover'
const EVERY_SLOT = { first: '', last: '9' }

describe('the batch query on Athena, special cases', () => {
  let athena: AthenaServer
  let query: BatchQuery
  /** Behaviour of the engine behind Athena for the next statements. */
  let execute: Execute
  beforeEach(async () => {
    athena = await startAthenaServer((...statement) => execute(...statement))
    query = openAthenaBatchQuery({ ...OPTIONS, endpoint: athena.endpoint })
  })
  afterEach(async () => {
    await query.close()
    await athena.close()
  })

  const OPTIONS = { workGroup: WORK_GROUP, database: 'landcover', region: ATHENA_REGION, timeoutMs: 20_000 }
  const ask = (sql = 'select 1') => query.query(sql, EVERY_SLOT)

  describe('an answer', () => {
    test.each([0, 1, 998, 999, 1_000, 1_999, 2_500])('of %i rows is complete, without the header', async count => {
      execute = answering(
        column('n', 'bigint'),
        Array.from({ length: count }, (_, n) => [String(n)]),
      )
      const { rows } = await ask()
      expect(rows).toEqual(Array.from({ length: count }, (_, n) => ({ n: BigInt(n) })))
      expect(athena.count('GetQueryResults')).toBe(Math.ceil((count + 1) / 1_000))
    })

    test('distinguishes null from an empty text, and a text from the name of its column', async () => {
      execute = answering(column('name', 'varchar'), [[''], [null], ['name']])
      expect((await ask()).rows).toEqual([{ name: '' }, { name: null }, { name: 'name' }])
    })

    test('names a column whose type the port does not have', async () => {
      execute = answering(column('event_time', 'timestamp'), [['2026-11-22 12:00:00.000']])
      await expect(ask()).rejects.toThrow('column event_time: cast it')
      execute = answering({ ...column('mean', 'decimal'), precision: 38, scale: 2 }, [['0.25']])
      await expect(ask()).rejects.toThrow('column mean: cast it')
    })

    test('has the number of bytes that Athena charges for', async () => {
      execute = answering(column('n', 'bigint'), [])
      expect((await ask()).bytesScanned).toBe(BYTES)
    })
  })

  test('is requested from the work group and in the database', async () => {
    let asked = ''
    execute = async (_, database) => {
      asked = database
      return { columns: [], rows: [], bytesScanned: 0 }
    }
    await ask('select 2')
    expect(athena.started).toEqual([{ sql: 'select 2', workGroup: WORK_GROUP }])
    expect(asked).toBe('landcover')
  })

  test('a statement that fails is reported with its id and the reason', async () => {
    execute = async () => {
      throw new Error('HIVE_CURSOR_ERROR: Failed to read Parquet file')
    }
    await expect(ask()).rejects.toThrow(/^Athena query [0-9a-f-]{36} failed: HIVE_CURSOR_ERROR: Failed to read/)
    expect(athena.count('StopQueryExecution')).toBe(0)
  })

  test('a statement that another user cancels is reported with its id and the reason', async () => {
    execute = untilGivenUp
    const asked = expect(ask()).rejects.toThrow(/^Athena query [0-9a-f-]{36} was cancelled: over the limit of bytes/)
    await started(1)
    athena.cancelAll('over the limit of bytes')
    await asked
  })

  test('a statement that takes too long is stopped', async () => {
    execute = untilGivenUp
    await query.close()
    query = openAthenaBatchQuery({ ...OPTIONS, endpoint: athena.endpoint, timeoutMs: 500 })
    await expect(ask()).rejects.toThrow(/^Athena query [0-9a-f-]{36} was stopped: it took more than 0.5 s/)
    expect(athena.count('StopQueryExecution')).toBe(1)
  })

  test('statements that still run are stopped when it is closed', async () => {
    execute = untilGivenUp
    const asked = [ask(), ask()].map(answer => expect(answer).rejects.toThrow('was stopped: the batch query is closed'))
    await started(2)
    await query.close()
    await Promise.all(asked)
    expect(athena.count('StopQueryExecution')).toBe(2)
  })

  test('a statement whose state cannot be read is stopped', async () => {
    execute = untilGivenUp
    athena.refuse('GetQueryExecution', 1, 'AccessDeniedException')
    await expect(ask()).rejects.toThrow(/^Athena query [0-9a-f-]{36} was stopped: AccessDeniedException/)
    expect(athena.count('StopQueryExecution')).toBe(1)
  })

  test('is checked less and less often', async () => {
    execute = async () => {
      await sleep(3_000)
      return { columns: [], rows: [], bytesScanned: 0 }
    }
    await ask()
    expect(athena.count('GetQueryExecution')).toBeLessThan(10)
  })

  test('continues when Athena throttles', async () => {
    execute = answering(column('n', 'bigint'), [['1']])
    athena.refuse('StartQueryExecution', 2, 'TooManyRequestsException')
    athena.refuse('GetQueryExecution', 2, 'ThrottlingException')
    athena.refuse('GetQueryResults', 2, 'ThrottlingException')
    expect((await ask()).rows).toEqual([{ n: 1n }])
    expect(athena.started).toHaveLength(1)
  })

  test('starts a statement once, even if the answer is lost', async () => {
    execute = answering(column('n', 'bigint'), [['1']])
    athena.hangUp('StartQueryExecution')
    expect((await ask()).rows).toEqual([{ n: 1n }])
    expect(athena.count('StartQueryExecution')).toBe(2)
    expect(athena.started).toHaveLength(1)
  })

  async function started(statements: number): Promise<void> {
    while (athena.started.length < statements) await sleep(10)
  }
})

const BYTES = 12_345

function column(name: string, type: string): AthenaAnswer['columns'][number] {
  return { name, type, precision: 0, scale: 0 }
}

function answering(of: AthenaAnswer['columns'][number], rows: (string | null)[][]): Execute {
  return async () => ({ columns: [of], rows, bytesScanned: BYTES })
}

const untilGivenUp: Execute = (_, __, signal) =>
  new Promise((_, fail) => signal.addEventListener('abort', () => fail(new Error('given up'))))
