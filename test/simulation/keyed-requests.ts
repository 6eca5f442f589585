import { RETRY_LIMIT_MS } from '../../functions/core/slot.ts'
import { keyRoute, RouteUnknownError } from '../../functions/ingest/key-route.ts'
import type { Destination } from '../../functions/ports/event-log.ts'
import type { ObjectStore } from '../../functions/ports/object-store.ts'
import { faultyLog, hashOf } from './faulty-log.ts'
import { faultyObjects } from './faulty-store.ts'
import type { Process } from './scheduler.ts'
import type { Senders } from './senders.ts'
import type { SentRecord } from './sent.ts'
import type { World } from './world.ts'

interface Request {
  key: string
  record: SentRecord
  firstSentMs: number
}

interface IngestProcess extends Process {
  routeOf(key: string): Promise<Destination>
}

/** Share of the attempts that go to a process that has just started, and knows no route yet. */
const FRESH_PROCESSES = 0.3

/**
 * Requests with a key. Their clients send them again within the retry limit, and any process that gets an attempt
 * must find the lane of the first attempt.
 */
export class KeyedRequests {
  readonly #world: World
  readonly #senders: Senders
  readonly #objects = memoryObjects()
  readonly #processes: IngestProcess[] = []
  #requests: Request[] = []
  #count = 0

  constructor(world: World, senders: Senders) {
    this.#world = world
    this.#senders = senders
  }

  /** Sends a new request, or repeats an earlier one. */
  send(): void {
    const { nowMs, random } = this.#world
    this.#requests = this.#requests.filter(({ firstSentMs }) => nowMs < firstSentMs + RETRY_LIMIT_MS)
    const again = random() < 0.6 ? this.#world.pick(this.#requests) : undefined
    const alive = this.#processes.filter(process => process.alive)
    const process = (random() < FRESH_PROCESSES ? undefined : this.#world.pick(alive)) ?? this.#startProcess()
    const isFirst = this.#count === 0
    const request = again ?? this.#newRequest()
    this.#attempt(request, process)
    // Two processes find no route at the same time. Only one of them may choose it.
    if (isFirst) this.#attempt(request, this.#startProcess())
  }

  #attempt(request: Request, process: IngestProcess): void {
    const { seen } = this.#world
    process.routeOf(request.key).then(
      destination => this.#append(request, destination),
      error => {
        if (!(error instanceof RouteUnknownError)) seen.push(`the route of a key threw ${String(error)}`)
      },
    )
  }

  #newRequest(): Request {
    const key = `key-${++this.#count}`
    const record = this.#senders.make({ producer: key, counter: 1 })
    const request = { key, record, firstSentMs: this.#world.nowMs }
    this.#requests.push(request)
    return request
  }

  #append({ key, record, firstSentMs }: Request, destination: Destination): void {
    const beforeMs = firstSentMs + RETRY_LIMIT_MS
    if (this.#world.nowMs >= beforeMs) return
    const lane = 'lane' in destination ? destination.lane : null
    this.#senders.arrive({ record, lane, key: hashOf(key), beforeMs })
  }

  #startProcess(): IngestProcess {
    const world = this.#world
    const process: Process = { alive: true }
    const log = faultyLog(world, process, this.#senders)
    const lanes = async () => {
      await world.scheduler.turn(process)
      return log.lanes()
    }
    const routeOf = keyRoute({ ...log, lanes }, faultyObjects(this.#objects, world.networkOf(process)))
    const started = Object.assign(process, { routeOf })
    this.#processes.push(started)
    return started
  }
}

function memoryObjects(): ObjectStore {
  const objects = new Map<string, Uint8Array>()
  return {
    get: async key => objects.get(key),
    put: async (key, bytes) => void objects.set(key, bytes),
    async putIfAbsent(key, bytes) {
      if (objects.has(key)) return false
      objects.set(key, bytes)
      return true
    },
    async *list(prefix, after = '') {
      yield* [...objects.keys()].filter(key => key.startsWith(prefix) && key > after).sort()
    },
    delete: async key => void objects.delete(key),
  }
}
