import type { Random } from '../../data/random.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import type { SpeedStore } from '../../functions/ports/speed-store.ts'
import type { Process, Scheduler } from './scheduler.ts'

/** Faults of the calls of a process. */
export interface Faults {
  /** Share of calls that fail before they have an effect. */
  refused: number
  /** Share of calls that fail after they had their effect: the answer is lost. */
  answerLost: number
}

/** Failed call, as calls over a network can fail. */
export class StoreFaultError extends Error {}

/** Network between a process and what it calls. */
export interface Network {
  scheduler: Scheduler
  process: Process
  random: Random
  faults(): Faults
}

/**
 * The store as a process sees it over a network: calls take effect and answer at moments that the scheduler
 * chooses, in any order between processes, and may fail before or after their effect.
 */
export function faultyStore(store: SpeedStore, network: Network): SpeedStore {
  return new Proxy(store, {
    get(target, name: keyof SpeedStore) {
      const call = target[name] as (...args: unknown[]) => Promise<unknown>
      return (...args: unknown[]) => overNetwork(network, () => call.apply(target, args))
    },
  })
}

/** The objects as a process sees them, with the same faults. Objects may change between the two pages of a list. */
export function faultyObjects(objects: ObjectStore, network: Network): ObjectStore {
  const { scheduler, random } = network
  const over = <Answer>(call: () => Promise<Answer>) => overNetwork(network, () => scheduler.work(call))
  return {
    get: key => over(() => objects.get(key)),
    put: (key, bytes) => over(() => objects.put(key, bytes)),
    putIfAbsent: (key, bytes) => over(() => objects.putIfAbsent(key, bytes)),
    delete: key => over(() => objects.delete(key)),
    async *list(prefix, after) {
      const first = await over(() => Array.fromAsync(objects.list(prefix, after)))
      const page = first.slice(0, Math.ceil(random() * first.length))
      yield* page
      if (page.length === first.length) return
      yield* await over(() => Array.fromAsync(objects.list(prefix, page.at(-1) ?? after)))
    },
  }
}

export async function overNetwork<Answer>(
  { scheduler, process, random, faults }: Network,
  call: () => Promise<Answer>,
): Promise<Answer> {
  await scheduler.turn(process)
  const { refused, answerLost } = faults()
  const luck = random()
  if (luck < refused) throw new StoreFaultError('the call was refused')
  const answer = await call()
  await scheduler.turn(process)
  if (luck < refused + answerLost) throw new StoreFaultError('the answer was lost')
  return answer
}
