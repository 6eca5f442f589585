import type { Destination, EventLog } from '../ports/event-log.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** Key prefix of the objects that store, for each log, the number of lanes among which keys choose. */
export const KEY_ROUTE_PREFIX = 'log/key-routes/'

/**
 * Chooses the destination for all attempts with one key, in any process and for any later number of lanes, so that a
 * copy reaches the lane that knows the original. If the log would choose a lane by the number of its lanes, the number
 * at the first use is stored for as long as the log exists. Lanes that are added later receive no keys.
 *
 * The returned function throws RouteUnknownError when the number cannot be read or stored.
 */
export function keyRoute(
  log: Pick<EventLog, 'identity' | 'lanes' | 'destinationOf'>,
  objects: Pick<ObjectStore, 'get' | 'putIfAbsent'>,
): (key: string) => Promise<Destination> {
  let laneCount: Promise<number> | undefined
  return async key => {
    const destination = log.destinationOf(key)
    if ('key' in destination) return destination
    laneCount ??= storedLaneCount(log, objects).catch(error => {
      laneCount = undefined
      throw new RouteUnknownError(error)
    })
    return log.destinationOf(key, await laneCount)
  }
}

/** Thrown when the destination of keys cannot be read now. Sending again helps. */
export class RouteUnknownError extends Error {
  constructor(cause: unknown) {
    super(`the lane of the key is not known: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'RouteUnknownError'
  }
}

async function storedLaneCount(
  log: Pick<EventLog, 'identity' | 'lanes'>,
  objects: Pick<ObjectStore, 'get' | 'putIfAbsent'>,
): Promise<number> {
  const name = `${KEY_ROUTE_PREFIX}${log.identity}.json`
  for (;;) {
    const bytes = await objects.get(name)
    if (bytes) return (JSON.parse(Buffer.from(bytes).toString('utf8')) as { lanes: number }).lanes
    const { length: lanes } = await log.lanes()
    if (await objects.putIfAbsent(name, Buffer.from(JSON.stringify({ lanes })))) return lanes
  }
}
