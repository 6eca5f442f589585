import type { PastPost } from '../core/incidents/delivery.ts'
import type { DueMessage, Told } from '../core/incidents/message-due.ts'
import { HOUR_MS, SECOND_MS } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/**
 * Ledger of one receiver: numbered entries that are put if absent and never change. A post is claimed before it is
 * sent, and marked after. So a decision survives a crash at any moment, and of two programs only one decides.
 */
export const LEDGER_PREFIX = 'notifications/'

const FORMAT = 1 as const

/** Time for which a program owns a post that it claimed or tried last, ms. It is three times as long as a try takes. */
export const LEASE_MS = 30 * SECOND_MS

/** Time for which posts are remembered, ms: the longest that a limit looks back. */
const REMEMBERED_MS = 25 * HOUR_MS

/** Entry of a ledger. */
export type Entry = { atMs: number } & (
  | { type: 'begin' }
  | { type: 'claim'; owner: string; isSummary: boolean; isCounted: boolean; messages: readonly DueMessage[] }
  /** Claim that is tried, by the number of its entry. Written by a new owner, and to keep the lease. */
  | { type: 'try'; claim: number; owner: string; mayHaveArrived: boolean }
  | { type: 'sent'; claim: number }
  | { type: 'refused'; claim: number; reason: string }
)

/** Post that was claimed and is not marked. */
export interface Pending {
  claim: number
  atMs: number
  isSummary: boolean
  messages: readonly DueMessage[]
  /** Program that tried it last, and the time of its entry. */
  owner: string
  leasedMs: number
  /** True when a try of another program may have arrived. */
  mayHaveArrived: boolean
}

/** State after all entries. */
export interface LedgerState {
  /** Time of the first entry; null while there is none. */
  sinceMs: number | null
  /** Last message of each thread. */
  told: ReadonlyMap<string, Told>
  /** Posts that wait, in the order of their claims. */
  pending: readonly Pending[]
  past: readonly PastPost[]
  /** Number of posts that the receiver refused permanently. */
  refused: number
  /** Time of the last post that was sent; null before. */
  lastSentMs: number | null
}

const EMPTY: LedgerState = { sinceMs: null, told: new Map(), pending: [], past: [], refused: 0, lastSentMs: null }

/** State after an entry. */
export function afterEntry(state: LedgerState, number: number, entry: Entry): LedgerState {
  const { atMs } = entry
  switch (entry.type) {
    case 'begin':
      return { ...state, sinceMs: state.sinceMs ?? atMs }
    case 'claim': {
      const { owner, isSummary, isCounted, messages } = entry
      const told = new Map(state.told)
      for (const message of messages) told.set(message.thread, { ...message, toldMs: atMs })
      const pending = { claim: number, atMs, isSummary, messages, owner, leasedMs: atMs, mayHaveArrived: false }
      const past = [...state.past.filter(post => post.atMs > atMs - REMEMBERED_MS), { atMs, isSummary, isCounted }]
      return { ...state, told, pending: [...state.pending, pending], past }
    }
    case 'try': {
      const { claim, owner, mayHaveArrived } = entry
      const taken = { owner, leasedMs: atMs, mayHaveArrived }
      return { ...state, pending: state.pending.map(each => (each.claim === claim ? { ...each, ...taken } : each)) }
    }
    case 'sent':
    case 'refused': {
      const pending = state.pending.filter(({ claim }) => claim !== entry.claim)
      return entry.type === 'sent'
        ? { ...state, pending, lastSentMs: atMs }
        : { ...state, pending, refused: state.refused + 1 }
    }
  }
}

/** Ledger that is open. */
export interface Ledger {
  /** What the entries say that were read so far. */
  readonly state: LedgerState
  /** Reads entries that came since the last call. */
  read(): Promise<LedgerState>
  /**
   * Writes the next entry.
   *
   * @returns the state after it; null when another program was faster: then the caller must decide again
   */
  append(entry: Entry): Promise<LedgerState | null>
}

/** Opens the ledger of a receiver. It remembers what it has read. */
export function openLedger(objects: ObjectStore, receiver: string): Ledger {
  const prefix = `${LEDGER_PREFIX}${receiver}/`
  const keyOf = (number: number) => `${prefix}${String(number).padStart(12, '0')}.json`
  let state = EMPTY
  let last = 0
  const take = (entry: Entry) => {
    state = afterEntry(state, ++last, entry)
    return state
  }
  return {
    get state() {
      return state
    },
    async read() {
      for await (const key of objects.list(prefix, last === 0 ? '' : keyOf(last))) {
        const bytes = await objects.get(key)
        if (!bytes || key !== keyOf(last + 1))
          throw new Error(`the object ${keyOf(last + 1)} is missing: restore it from a backup`)
        take(decodeEntry(key, bytes))
      }
      return state
    },
    async append(entry) {
      const bytes = Buffer.from(JSON.stringify({ format: FORMAT, ...entry }))
      return (await objects.putIfAbsent(keyOf(last + 1), bytes)) ? take(entry) : null
    },
  }
}

function decodeEntry(key: string, bytes: Uint8Array): Entry {
  let decoded: Entry & { format: number }
  try {
    decoded = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw new Error(`the object ${key} is not a JSON document: restore it from a backup`)
  }
  const { format, ...entry } = decoded
  if (format === FORMAT) return entry
  throw new Error(`the object ${key} has format ${format}: run the landcover that wrote it`)
}
