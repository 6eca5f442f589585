import { OLDEST_STORE_FORMAT, STORE_FORMAT } from '../adapters/row-encoding/tables.ts'
import { type SpeedStore, SpeedStoreUnavailableError } from '../ports/speed-store.ts'

/** Expectations of a system about its store. */
export interface ExpectedStore {
  /** Name of the store, for people. */
  name: string
  slotMs: number
  /** Id of the system that opens the store; undefined for a state without an id, which owns no store yet. */
  systemId: string | undefined
  /** Identity of the system's log, if it is known: a store without an owner may contain the rows of another log. */
  logIdentity?: string
  /** Instruction for emptying the store. */
  emptying: string
}

/**
 * Writes the settings of a store, or checks the existing ones. A store of an older format is upgraded: it has its new
 * columns already. A store without an owner becomes the system's.
 *
 * @throws SpeedStoreUnavailableError when a table or a column is missing
 * @throws Error when the rows of the store were written differently than this system would write them, or belong to
 *   another system
 */
export async function ensureCompatibleStore(store: SpeedStore, system: ExpectedStore): Promise<void> {
  const { name, slotMs, systemId } = system
  const unready = await store.unready()
  if (unready.length > 0) throw new SpeedStoreUnavailableError(`${name} cannot be used. ${unready.join(' ')}`)
  for (;;) {
    const stored = await store.initSettings({ format: STORE_FORMAT, slotMs, systemId: systemId ?? null })
    if (stored.format > STORE_FORMAT || stored.format < OLDEST_STORE_FORMAT) {
      throw new Error(
        `${name} has format ${stored.format}, this landcover reads ${OLDEST_STORE_FORMAT} to ${STORE_FORMAT}: run the landcover that wrote it, or choose another`,
      )
    }
    if (stored.systemId !== null && stored.systemId !== systemId) throw ofAnother(`system ${stored.systemId}`, system)
    if (stored.slotMs !== slotMs) {
      const length = `${stored.slotMs / 1000}s`
      throw new Error(
        `${name} has arrival slots of ${length}: start a new state with --slot ${length}, or choose another`,
      )
    }
    const owner = stored.systemId ?? systemId ?? null
    if (stored.format === STORE_FORMAT && stored.systemId === owner) return
    if (owner !== stored.systemId) await refuseRowsOfOtherLogs(store, system)
    if (await store.replaceSettings({ format: STORE_FORMAT, slotMs, systemId: owner }, stored)) return
  }
}

/**
 * Refuses a store of format 1 with the rows of another log. Such a store does not name its owner, but the names of its
 * lanes contain the log.
 */
async function refuseRowsOfOtherLogs(store: SpeedStore, system: ExpectedStore): Promise<void> {
  const { logIdentity } = system
  if (logIdentity === undefined) return
  const lanes = (await store.readCursors()).map(({ lane }) => lane)
  if (lanes.length === 0 || lanes.some(lane => lane.startsWith(`${logIdentity}.`))) return
  throw ofAnother(`a system that has read ${lanes[0]}, not the log ${logIdentity}`, system)
}

function ofAnother(owner: string, { name, systemId, emptying }: ExpectedStore): Error {
  const own = systemId === undefined ? 'this system has no id yet' : `this is system ${systemId}`
  return new Error(
    `${name} holds the rows of ${owner}; ${own}. Choose another with --store or, if those rows may go, empty it: ${emptying}`,
  )
}
