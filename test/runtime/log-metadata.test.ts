import { expect, it } from 'vitest'
import { type Position, START } from '../../functions/core/lane.ts'
import type { LogMetadata } from '../../functions/ports/event-log.ts'
import { rememberedLogMetadata } from '../../functions/runtime/log-metadata.ts'

/** Metadata that counts its calls, and returns the time when a lane's oldest record arrived. */
function counted() {
  const asked = { lanes: 0, waiting: [] as string[] }
  const metadata: LogMetadata = {
    identity: 'stream.1',
    arrivalNeverGoesBack: true,
    lanes: async () => {
      asked.lanes++
      return [{ name: 'a', parents: [], closed: false }]
    },
    waiting: async ({ lane }) => {
      asked.waiting.push(lane)
      return { oldestMs: asked.waiting.length, reason: null }
    },
    firstKept: async () => null,
  }
  return { asked, metadata }
}

const cursor = (lane: string, lastPosition: Position = START) => ({ lane, lastPosition, lastArrivalMs: null })

it('cached log metadata asks the log once for many answers', async () => {
  const { asked, metadata } = counted()
  const remembered = rememberedLogMetadata(metadata)
  for (let time = 0; time < 5; time++) {
    await remembered.lanes()
    await remembered.waiting(cursor('a'))
  }
  expect(asked).toEqual({ lanes: 1, waiting: ['a'] })
})

it("cached metadata returns each lane's own answer", async () => {
  const { metadata } = counted()
  const remembered = rememberedLogMetadata(metadata)
  const answers = ['a', 'b', 'a', 'b'].map(async lane => (await remembered.waiting(cursor(lane))).oldestMs)
  expect(await Promise.all(answers)).toHaveLength(4)
  const [a, b] = [await remembered.waiting(cursor('a')), await remembered.waiting(cursor('b'))]
  expect(a.oldestMs).not.toBe(b.oldestMs)
})

it("cached metadata keeps the log's properties", () => {
  const { metadata } = counted()
  expect(rememberedLogMetadata(metadata)).toMatchObject({ identity: 'stream.1', arrivalNeverGoesBack: true })
})
