import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { START, toPosition } from '../../functions/core/lane.ts'
import type { Checkpoints } from '../../functions/ports/checkpoints.ts'

/** Opens empty checkpoints. */
export type OpenCheckpoints = () => Promise<{
  checkpoints: Checkpoints
  /** Closes the checkpoints and opens them again as they are. */
  reopen(): Promise<Checkpoints>
  close(): Promise<void>
}>

const LONGEST = toPosition('9'.repeat(56))

/** Contract tests for all adapters of the port Checkpoints. */
export function describeCheckpoints(name: string, open: OpenCheckpoints): void {
  describe(`checkpoints: ${name}`, () => {
    let opened: Awaited<ReturnType<OpenCheckpoints>>
    let checkpoints: Checkpoints
    beforeEach(async () => {
      opened = await open()
      checkpoints = opened.checkpoints
    })
    afterEach(async () => {
      await opened.close()
    })

    test('a lane without deliveries is at its start', async () => {
      expect(await checkpoints.read('speed', 'lane')).toBe(START)
    })

    test('a lane is at the position that was written last, forward or back', async () => {
      for (const position of [toPosition(7), LONGEST, toPosition(3)]) {
        await checkpoints.write('speed', 'lane', position)
        expect(await checkpoints.read('speed', 'lane')).toBe(position)
      }
    })

    test('each consumer has its own position in each lane', async () => {
      const places = [
        ['speed', 'a'],
        ['speed', 'b'],
        ['archive', 'a'],
        ['__proto__', 'constructor'],
        ['a', 'b.c'],
        ['a.b', 'c'],
      ] as const
      for (const [index, [consumer, lane]] of places.entries()) {
        await checkpoints.write(consumer, lane, toPosition(index + 1))
      }
      for (const [index, [consumer, lane]] of places.entries()) {
        expect(await checkpoints.read(consumer, lane)).toBe(toPosition(index + 1))
      }
      expect(await checkpoints.read('archive', 'b')).toBe(START)
    })

    test('positions are kept when the checkpoints are opened again', async () => {
      await checkpoints.write('speed', 'lane', LONGEST)
      const again = await opened.reopen()
      expect(await again.read('speed', 'lane')).toBe(LONGEST)
    })
  })
}
