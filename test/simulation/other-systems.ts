import { OLDEST_STORE_FORMAT } from '../../functions/adapters/row-encoding/tables.ts'
import { ensureCompatibleStore } from '../../functions/runtime/store-compatibility.ts'
import { faultyStore, StoreFaultError } from './faulty-store.ts'
import { SLOT_MS, type World } from './world.ts'

const OWN = 'own-system'
const OTHER = 'other-system'

/** Systems that open the store: its own, which is always accepted, and one with another log, which must be refused. */
export class StoreOwners {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** True when the store is this system's, or its rows come from a version that did not record their owner. */
  async begin(): Promise<void> {
    const { store, log } = this.#world
    if (this.#world.chance(0.5, 'other-systems')) {
      await store.initSettings({ format: OLDEST_STORE_FORMAT, slotMs: SLOT_MS, systemId: null })
    } else await ensureCompatibleStore(store, systemOf(OWN, log.identity))
  }

  /** Starts a process of one of the systems. */
  async open(): Promise<void> {
    if (this.#world.random() < 0.4) {
      this.#start(OWN, this.#world.log.identity, error => `the store refused its own system: ${error.message}`)
      return
    }
    // An empty store without an owner accepts any system.
    if ((await this.#world.store.readCursors()).length === 0) return
    this.#start(OTHER, 'other-log', error =>
      error.message.includes('holds the rows of') ? null : `another system met ${error}`,
    )
  }

  #start(systemId: string, logIdentity: string, breachOf: (error: Error) => string | null): void {
    const { seen, store } = this.#world
    const overNetwork = faultyStore(store, this.#world.networkOf({ alive: true }))
    ensureCompatibleStore(overNetwork, systemOf(systemId, logIdentity)).then(
      () => {
        if (systemId === OTHER) seen.push('the store was given to another system')
      },
      error => {
        const breach = error instanceof StoreFaultError ? null : breachOf(error)
        if (breach) seen.push(breach)
      },
    )
  }
}

function systemOf(systemId: string, logIdentity: string) {
  return { name: 'the store', slotMs: SLOT_MS, systemId, logIdentity, emptying: 'remove it' }
}
