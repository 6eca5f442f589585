import type { PostLimits } from '../core/incidents/delivery.ts'
import type { Incident } from '../core/incidents/incident.ts'
import type { DueMessage } from '../core/incidents/message-due.ts'

/** Messages that are sent at once. A post that is sent again is the same, but for `isRepeated`. */
export interface Post {
  /** Id by which a receiver recognises a post that comes again. */
  id: string
  /** Time of the decision to send it, ms. */
  atMs: number
  messages: readonly DueMessage[]
  /** True for a summary of posts that would have been too many. */
  isSummary: boolean
  /** True when an earlier try may have arrived. */
  isRepeated: boolean
}

/** Outcome of a try. `refused` is permanent: the post is wrong. After `later` it is sent again, for any reason. */
export type Outcome =
  /** The note says what went wrong nevertheless. */
  | { kind: 'sent'; note?: string }
  | { kind: 'refused'; reason: string }
  | { kind: 'later'; reason: string; afterMs: number | null; mayHaveArrived: boolean }

/** Person or program that is told of incidents. */
export interface Receiver extends PostLimits {
  /** Minimum time between two posts, ms. */
  gapMs: number
  /** Tells whether it takes the first message of an incident. */
  takes(incident: Incident): boolean
  /** Sends a post. Never throws: a failure is an outcome. */
  post(post: Post): Promise<Outcome>
}
