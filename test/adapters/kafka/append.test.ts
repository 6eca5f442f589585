import { describe, expect, it } from 'vitest'
import { appendInOrder, largestRecord } from '../../../functions/adapters/kafka/append.ts'
import type { Append } from '../../../functions/ports/event-log.ts'

const MOST_BYTES = 1000
const record = (bytes: number): Append => ({ lane: 'topic.0', data: Buffer.alloc(bytes) })
const bytesOf = ({ data }: Append) => data.byteLength

/** Appends records of the given sizes, bytes; `refuses` returns why a batch is not stored. */
async function append(sizes: number[], refuses: (bytes: number[]) => { error: string; tooLarge?: true } | null) {
  const sent: number[][] = []
  let offset = 100n
  const outcomes = await appendInOrder(
    sizes.map(record),
    MOST_BYTES,
    async batch => {
      sent.push(batch.map(bytesOf))
      const failure = refuses(batch.map(bytesOf))
      if (failure) throw failure
      offset += BigInt(batch.length)
      return offset - BigInt(batch.length)
    },
    cause => cause as { error: string; tooLarge?: true },
  )
  return { sent, outcomes }
}

describe('records for one partition', () => {
  it('go in batches that the topic accepts, and get an offset each', async () => {
    const { sent, outcomes } = await append([400, 400, 400, 10], () => null)
    expect(sent).toEqual([
      [400, 400],
      [400, 10],
    ])
    expect(outcomes).toEqual([100n, 101n, 102n, 103n])
  })

  it('are not sent after a batch that failed, so that sending again keeps the order', async () => {
    const { sent, outcomes } = await append([600, 601, 602], ([bytes]) =>
      bytes === 601 ? { error: 'no leader' } : null,
    )
    expect(sent).toEqual([[600], [601]])
    expect(outcomes).toEqual([
      100n,
      { error: 'no leader' },
      { error: 'not sent, because a record before it failed: no leader' },
    ])
  })

  it('are sent after one that is too large', async () => {
    const refuses = ([bytes = 0]: number[]) => (bytes > 600 ? { error: 'too large', tooLarge: true as const } : null)
    const { outcomes } = await append([600, 601, 600], refuses)
    expect(outcomes).toEqual([100n, { error: 'too large', tooLarge: true }, 101n])
  })

  it("are sent one by one when the topic's limit is lower now, so that only the too large ones are refused", async () => {
    const sum = (sizes: number[]) => sizes.reduce((all, bytes) => all + bytes, 0)
    const refuses = (sizes: number[]) => (sum(sizes) > 250 ? { error: 'too large', tooLarge: true as const } : null)
    const { sent, outcomes } = await append([200, 300, 100, 600], refuses)
    expect(sent).toEqual([[200, 300, 100], [200], [300], [100], [600]])
    expect(outcomes).toEqual([
      100n,
      { error: 'too large', tooLarge: true },
      101n,
      { error: 'too large', tooLarge: true },
    ])
  })

  it("fit with any key when they are as large as the log's limit", async () => {
    const largest = largestRecord(MOST_BYTES * 10)
    expect(largest).toBeGreaterThan(MOST_BYTES * 8)
    expect(largest).toBeLessThanOrEqual(MOST_BYTES * 10 - 1024)
  })
})
