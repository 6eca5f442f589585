import type { SpeedStore } from '../ports/speed-store.ts'

/** Rises whenever what a state folder or a speed store holds takes another form; an older state is refused. */
export const STATE_FORMAT = 1

/**
 * Settles what all rows of a store depend on, or finds out what has been.
 *
 * @param name what the store is called
 * @throws Error when the store's rows were written otherwise than this home would
 */
export async function settleStore(store: SpeedStore, name: string, slotMs: number): Promise<void> {
  const settled = await store.settle({ format: STATE_FORMAT, slotMs })
  if (settled.format !== STATE_FORMAT) {
    throw new Error(`${name} is of form ${settled.format}, this landcover of form ${STATE_FORMAT}: choose another`)
  }
  if (settled.slotMs !== slotMs) {
    const length = `${settled.slotMs / 1000}s`
    throw new Error(
      `${name} has arrival slots of ${length}: start a new state with --slot ${length}, or choose another`,
    )
  }
}
