import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work in groups: items that are added during the work on a group form the next one. */
export interface Groups<Item, Outcome> {
  /** Adds items to a group, and returns the outcome of each. */
  add(items: readonly Item[]): Promise<Outcome[]>
  /** Resolves when nothing is under way and nothing waits. */
  idle(): Promise<void>
}

/** A call that waits for its group. */
interface Waiting<Item, Outcome> {
  items: readonly Item[]
  resolve(outcomes: Outcome[]): void
  reject(error: unknown): void
}

/**
 * Group commit: items that come while a group is under way form the next group, so all of them wait for the disk or the
 * network once. Groups are handled one after the other. Items keep the order in which they came. A group that fails
 * fails exactly its own calls.
 *
 * @param handle answers an outcome for each item, in their order
 */
export function inGroups<Item, Outcome>(
  handle: (items: readonly Item[]) => Promise<readonly Outcome[]>,
): Groups<Item, Outcome> {
  let waiting: Waiting<Item, Outcome>[] = []
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    for (;;) {
      // Callers who were just answered bring their next items within this turn of the event loop.
      await nextTurn()
      const group = waiting
      waiting = []
      if (group.length === 0) break
      await answer(group)
    }
    running = undefined
  }

  async function answer(group: readonly Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await handle(group.flatMap(({ items }) => items))
      let next = 0
      for (const { items, resolve } of group) {
        const first = next
        next += items.length
        resolve(outcomes.slice(first, next))
      }
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }

  return {
    add: items =>
      new Promise((resolve, reject) => {
        waiting.push({ items, resolve, reject })
        running ??= run()
      }),
    idle: async () => running,
  }
}
