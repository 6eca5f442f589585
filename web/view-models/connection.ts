import type { AnswerName } from '../answers.ts'
import type { Round } from '../api.ts'
import { formatAge } from './format.ts'

/**
 * loading: nothing was ever received. live: the last round brought everything. partial: some parts could not be had.
 * lost: none could; what is shown is the last known. refused: the reader could not sign in.
 */
export type Connection = {
  phase: 'loading' | 'live' | 'partial' | 'lost' | 'refused'
  failed: readonly AnswerName[]
  everLoaded: boolean
  /** When the last round that brought anything ended; null if none did. */
  lastGoodMs: number | null
  /** Set by the round that ended a loss, cleared by the next one. */
  recovered: boolean
  /** Of a refusal. */
  reason?: string
}

export const CONNECTING: Connection = {
  phase: 'loading',
  failed: [],
  everLoaded: false,
  lastGoodMs: null,
  recovered: false,
}

/** @param reason why the reader could not sign in */
export function refused(reason: string): Connection {
  return { ...CONNECTING, phase: 'refused', reason }
}

export function afterRound(before: Connection, round: Round, nowMs: number): Connection {
  const got = Object.keys(round.changed).length + round.unchanged.length
  const phase = got === 0 ? 'lost' : round.failed.length > 0 ? 'partial' : 'live'
  return {
    phase,
    failed: round.failed.map(({ name }) => name),
    everLoaded: before.everLoaded || got > 0,
    lastGoodMs: got > 0 ? nowMs : before.lastGoodMs,
    recovered: phase === 'live' && (before.phase === 'lost' || before.phase === 'partial'),
  }
}

export type Pill = { tone: 'wait' | 'good' | 'attention' | 'bad'; text: string }

/** The status pill's few words. `degraded` is the server's own judgement; `empty` means no event was ever seen. */
export function pillOf(connection: Connection, degraded: boolean, empty: boolean): Pill {
  switch (connection.phase) {
    case 'loading':
      return { tone: 'wait', text: 'Connecting' }
    case 'refused':
      return { tone: 'bad', text: 'Not signed in' }
    case 'lost':
      return { tone: 'bad', text: connection.everLoaded ? 'Connection lost' : 'No connection' }
    case 'partial':
      return { tone: 'attention', text: 'Partly updated' }
    case 'live':
      if (degraded) return { tone: 'attention', text: 'Degraded' }
      return empty ? { tone: 'wait', text: 'Waiting for events' } : { tone: 'good', text: 'Live' }
  }
}

export type Banner = { tone: 'good' | 'attention' | 'bad'; title: string; detail: string; retry: boolean }

const ANSWER_WORDS: Record<AnswerName, string> = {
  windows: 'the newest windows',
  series: 'how it moved',
  alerts: 'the alerts',
  joined: 'the class statistics',
  batch: 'the batch view',
  statistics: 'the distributions',
  health: 'the system’s health',
}

/** What to tell beyond the pill; null when all is well. `retryInMs` null means a request is under way. */
export function bannerOf(connection: Connection, retryInMs: number | null, nowMs: number): Banner | null {
  if (connection.phase === 'refused') {
    return { tone: 'bad', title: 'Signing in failed', detail: connection.reason ?? '', retry: true }
  }
  if (connection.phase === 'lost') {
    const next = retryInMs === null ? 'Trying now…' : `Trying again in ${Math.max(1, Math.ceil(retryInMs / 1000))} s.`
    const kept =
      connection.lastGoodMs === null
        ? 'The server does not answer.'
        : `Showing what was known ${formatAge(Math.max(1000, nowMs - connection.lastGoodMs))}.`
    const title = connection.everLoaded ? 'Connection lost' : 'No connection'
    return { tone: 'bad', title, detail: `${kept} ${next}`, retry: true }
  }
  if (connection.phase === 'partial') {
    const parts = connection.failed.map(name => ANSWER_WORDS[name])
    return {
      tone: 'attention',
      title: 'Partly updated',
      detail: `Could not refresh ${new Intl.ListFormat('en-GB').format(parts)}; the last known is shown.`,
      retry: false,
    }
  }
  return connection.recovered
    ? { tone: 'good', title: 'Connected again', detail: 'Everything is up to date.', retry: false }
    : null
}
