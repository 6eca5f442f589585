import type { Random } from '../../data/random.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import type { Process, Scheduler } from './scheduler.ts'

/** What goes wrong with the calls of a process. */
export interface Faults {
  /** Share of calls that fail before they have an effect. */
  refused: number
  /** Share of calls that have their effect and then fail: the answer is lost. */
  answerLost: number
}

/** A call that failed, as calls do over a network. */
export class StoreFault extends Error {}

/**
 * The store as one process sees it over a network: calls take effect and answer at moments that the scheduler
 * chooses, in any order between processes, and may fail before or after their effect.
 */
export function faultyStore(
  store: SpeedStore,
  scheduler: Scheduler,
  process: Process,
  random: Random,
  faults: () => Faults,
): SpeedStore {
  return new Proxy(store, {
    get(target, name: keyof SpeedStore) {
      const call = target[name] as (...args: unknown[]) => Promise<unknown>
      return async (...args: unknown[]) => {
        await scheduler.turn(process)
        const { refused, answerLost } = faults()
        const luck = random()
        if (luck < refused) throw new StoreFault('the store refused the call')
        const answer = await call.apply(target, args)
        await scheduler.turn(process)
        if (luck < refused + answerLost) throw new StoreFault('the answer of the store was lost')
        return answer
      }
    },
  })
}
