import type { AnswerName } from '../answers.ts'
import type { Round } from '../api.ts'
import { formatAge } from './format.ts'

/**
 * State of the connection to the API. `loading`: nothing received yet. `live`: the last round succeeded. `partial`:
 * some answers failed. `lost`: all failed; the page shows the last known data. `refused`: the reader could not sign in.
 */
export type Connection = {
  phase: 'loading' | 'live' | 'partial' | 'lost' | 'refused'
  failed: readonly AnswerName[]
  everLoaded: boolean
  /** End of the last round with any answer, local time; null if there was none. */
  lastGoodMs: number | null
  /** True after the round that ended a loss, until the next round. */
  recovered: boolean
  /** Reason of a refusal. */
  reason?: string
}

export const CONNECTING: Connection = {
  phase: 'loading',
  failed: [],
  everLoaded: false,
  lastGoodMs: null,
  recovered: false,
}

/** State after a failed sign-in. */
export function refused(reason: string): Connection {
  return { ...CONNECTING, phase: 'refused', reason }
}

/** State after a round of requests. */
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

/** Short status text at the top of the page. */
export type Pill = { tone: 'wait' | 'good' | 'attention' | 'bad'; text: string }

/** Text of the status pill. `degraded` is the server's own health; `empty` means that there is no image yet. */
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
      return empty ? { tone: 'wait', text: 'Waiting for images' } : { tone: 'good', text: 'Live' }
  }
}

/** Message over the page. */
export type Banner = { tone: 'good' | 'attention' | 'bad'; title: string; detail: string; retry: boolean }

const ANSWER_WORDS: Record<AnswerName, string> = {
  windows: 'the newest windows',
  series: 'NDVI over time',
  unusualImages: 'the unusual images',
  joined: 'the class statistics',
  batch: 'the batch view',
  statistics: 'the distributions',
  incidents: 'the incidents',
  refused: 'the refused records',
  health: 'the system’s health',
}

/** Banner for the connection; null when there is no problem. `retryInMs` is null while a round runs. */
export function bannerOf(connection: Connection, retryInMs: number | null, nowMs: number): Banner | null {
  if (connection.phase === 'refused') {
    return { tone: 'bad', title: 'Sign-in failed', detail: connection.reason ?? '', retry: true }
  }
  if (connection.phase === 'lost') {
    const next =
      retryInMs === null ? 'Reconnecting now…' : `Next attempt in ${Math.max(1, Math.ceil(retryInMs / 1000))} s.`
    const kept =
      connection.lastGoodMs === null
        ? 'The server does not respond.'
        : `Showing the data from ${formatAge(Math.max(1000, nowMs - connection.lastGoodMs))}.`
    const title = connection.everLoaded ? 'Connection lost' : 'No connection'
    return { tone: 'bad', title, detail: `${kept} ${next}`, retry: true }
  }
  if (connection.phase === 'partial') {
    const names = connection.failed.map(name => ANSWER_WORDS[name])
    return {
      tone: 'attention',
      title: 'Partly updated',
      detail: `Could not update ${new Intl.ListFormat('en-GB').format(names)}. The last known data is shown.`,
      retry: false,
    }
  }
  return connection.recovered
    ? { tone: 'good', title: 'Connected again', detail: 'Everything is up to date.', retry: false }
    : null
}
