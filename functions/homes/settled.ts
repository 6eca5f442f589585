import { OLDEST_STORE_FORMAT, STORE_FORMAT } from '../adapters/schema.ts'
import { type SpeedStore, SpeedStoreUnavailable } from '../ports/speed-store.ts'

/**
 * Settles what all rows of a store depend on, or finds out what has been. A store of an older format is taken over: it
 * has its new columns by then.
 *
 * @param name what the store is called
 * @throws SpeedStoreUnavailable when a table or a column is missing
 * @throws Error when the store's rows were written otherwise than this home would
 */
export async function settleStore(store: SpeedStore, name: string, slotMs: number): Promise<void> {
  const unready = await store.unready()
  if (unready.length > 0) throw new SpeedStoreUnavailable(`${name} cannot be used. ${unready.join(' ')}`)
  for (;;) {
    const settled = await store.settle({ format: STORE_FORMAT, slotMs, systemId: null })
    if (settled.format > STORE_FORMAT || settled.format < OLDEST_STORE_FORMAT) {
      throw new Error(
        `${name} has format ${settled.format}, this landcover reads ${OLDEST_STORE_FORMAT} to ${STORE_FORMAT}: run the landcover that wrote it, or choose another`,
      )
    }
    if (settled.slotMs !== slotMs) {
      const length = `${settled.slotMs / 1000}s`
      throw new Error(
        `${name} has arrival slots of ${length}: start a new state with --slot ${length}, or choose another`,
      )
    }
    if (settled.format === STORE_FORMAT) return
    if (await store.resettle({ ...settled, format: STORE_FORMAT }, settled)) return
  }
}
