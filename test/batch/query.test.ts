import { expect, it } from 'vitest'
import { countImports } from '../../functions/batch/query.ts'
import { HOUR_MS } from '../../functions/core/time.ts'
import type { BatchQuery, QueryAnswer } from '../../functions/ports/batch-query.ts'

const SQL = { totals: 'totals of :lane', looks: 'looks of :lane', content: 'content of :lane' }
const NOTHING: QueryAnswer = { rows: [], bytesScanned: 0 }

/** An engine that notes statements and answers each with a number of bytes. */
function noting(answers: Record<string, QueryAnswer>) {
  const asked: string[] = []
  const query: BatchQuery = {
    async query(statement) {
      asked.push(statement)
      return answers[statement.split(' ')[0] as string] ?? NOTHING
    },
    close: async () => {},
  }
  return { query, asked }
}

it('without imports, nothing is asked', async () => {
  const { query, asked } = noting({})
  expect(await countImports(query, SQL, HOUR_MS, [])).toMatchObject({ days: [], looks: [], bytesScanned: 0 })
  expect(asked).toEqual([])
})

it('without looks at sites, only content and totals are read, and their bytes add up', async () => {
  const { query, asked } = noting({
    content: { rows: [], bytesScanned: 1_000 },
    totals: { rows: [], bytesScanned: 20 },
    looks: { rows: [], bytesScanned: 3 },
  })
  expect((await countImports(query, SQL, HOUR_MS, ['a', 'b'])).bytesScanned).toBe(1_020)
  expect(asked).toEqual(["content of 'a', 'b'", "totals of 'a', 'b'"])
})

it('many imports are named in statements of at most 1,000', async () => {
  const { query, asked } = noting({})
  await countImports(
    query,
    SQL,
    HOUR_MS,
    Array.from({ length: 2_000 }, (_, at) => `import-${at}`),
  )
  const named = asked.filter(statement => statement.startsWith('totals')).map(statement => statement.split(',').length)
  expect(named).toEqual([1_000, 1_000])
})
