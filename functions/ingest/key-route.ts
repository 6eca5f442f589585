import type { Destination, EventLog } from '../ports/event-log.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** Where the objects keep, of each log, among how many of its lanes keys choose theirs. */
export const KEY_ROUTE_PREFIX = 'log/key-routes/'

/**
 * Where every attempt under one key goes, whichever process makes it and however many lanes the log has by then: so a
 * copy meets the lane that knows the original. Where the log would choose a lane by the number of its lanes, the number
 * of the first time is kept for as long as the log lives: lanes that are added later take no keys.
 *
 * The function that is returned throws RouteUnknownError when the number cannot be read or kept.
 */
export function keyRoute(
  log: Pick<EventLog, 'identity' | 'lanes' | 'destinationOf'>,
  objects: Pick<ObjectStore, 'get' | 'putIfAbsent'>,
): (key: string) => Promise<Destination> {
  let settling: Promise<number> | undefined
  return async key => {
    const destination = log.destinationOf(key)
    if ('key' in destination) return destination
    settling ??= settledLanes(log, objects).catch(error => {
      settling = undefined
      throw new RouteUnknownError(error)
    })
    return log.destinationOf(key, await settling)
  }
}

/** Neither the objects nor the log tell now where keys go: sending again helps. */
export class RouteUnknownError extends Error {
  constructor(cause: unknown) {
    super(`the lane of the key is not known: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'RouteUnknownError'
  }
}

async function settledLanes(
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
