import type { RunStatus } from '../batch/run-status.ts'
import type { ViewChain } from '../batch/view-reader.ts'
import type { Cursor } from '../core/cursor.ts'
import type { Slot } from '../core/slot.ts'
import { DAY_MS, formatTimestamp, MINUTE_MS, SECOND_MS } from '../core/time.ts'

/** What tells whether the system keeps up. */
export interface Signs {
  /** Age of the oldest record that is not applied, ms; null without any lane. */
  lagMs: number | null
  cursors: readonly Pick<Cursor, 'lane' | 'lostRecords' | 'lastLossMs'>[]
  /** Why the log hands out nothing of a lane or takes nothing, and how long a record has waited, ms; null without any. */
  withheld: readonly { reason: string; waitsMs: number | null }[]
  /** Cut of the batch view; null while no slot is counted. */
  cut: Slot | null
  /** The latest arrival that any lane has applied, ms. */
  arrivedMs: number
  /** The wall clock. */
  nowMs: number
  slotMs: number
  lastRun: RunStatus | undefined
  /** Events that came after their slot was counted. */
  missed: number
  chain: ViewChain
}

/** An arrival further ahead of the clock than this is no difference between two clocks that are right. */
const AHEAD_MS = 5 * MINUTE_MS

/** A lag above this is not the ordinary delay of a batch. */
const WORRYING_LAG_MS = MINUTE_MS

/**
 * A cut is at most three slots old where all goes well: it lies one slot before the slot of the slowest lane's last
 * archive file, which began up to a slot before that file came, and it stays for a slot until the next run. To that
 * come a minute between heartbeats, five of the archive's batching window, and the run.
 */
const CUT_AGE_SLOTS = 3
const CUT_GRACE_MS = 10 * MINUTE_MS

/** For so long after it was noticed a loss is a reason, ms; the lane's own number tells of it for all time. */
const LOSS_TOLD_MS = 7 * DAY_MS

/** Why the system does not keep up, in words for people; none when it does. */
export function healthReasons({
  lagMs,
  withheld,
  cursors,
  nowMs,
  cut,
  arrivedMs,
  slotMs,
  lastRun,
  missed,
  chain,
}: Signs): string[] {
  const reasons: string[] = []
  if (lagMs !== null && lagMs > WORRYING_LAG_MS) {
    reasons.push(`Records wait for ${Math.round(lagMs / SECOND_MS)} s to be counted: the newest are missing.`)
  }
  // What holds records up for a moment is in order: a transaction that is under way, say.
  const lasting = withheld.filter(({ waitsMs }) => waitsMs === null || waitsMs > WORRYING_LAG_MS)
  for (const reason of new Set(lasting.map(each => each.reason))) reasons.push(`The event log: ${reason}.`)
  for (const { lane, lostRecords, lastLossMs } of cursors) {
    if (lastLossMs === null || nowMs - lastLossMs > LOSS_TOLD_MS) continue
    reasons.push(
      `Up to ${lostRecords} records of ${lane} are missing: the log removed them before they were read, as was noticed at ${formatTimestamp(lastLossMs)}. Let the log keep its records for longer than the system may stand still.`,
    )
  }
  // Against arrivals, not the clock: where nothing arrives, nothing is left to be counted.
  if (cut !== null && arrivedMs - cut > CUT_AGE_SLOTS * slotMs + CUT_GRACE_MS) {
    const lanes = lastRun?.behind.length ? ` (${lastRun.behind.join(', ')})` : ''
    reasons.push(
      `The batch view has stopped at ${formatTimestamp(cut)} while records go on arriving: the batch runs fail, or a lane is not archived${lanes}.`,
    )
  }
  if (arrivedMs - nowMs > AHEAD_MS) {
    const minutes = Math.round((arrivedMs - nowMs) / MINUTE_MS)
    reasons.push(
      `The newest record has arrived ${minutes} minutes ahead of this machine's clock, at ${formatTimestamp(arrivedMs)}: a clock was set back, or was wrong. Until the clock has caught up, images that come are called late.`,
    )
  }
  if (lastRun?.error) reasons.push(`The last batch run, at ${lastRun.endedAt}, failed: ${lastRun.error}`)
  if (missed > 0) {
    reasons.push(`${missed} events came after their arrival slot was counted: npm run backfill counts them.`)
  }
  reasons.push(...damageReasons(chain))
  return reasons
}

function damageReasons({ view, damages }: ViewChain): string[] {
  const standIn = view
    ? `What depends on it is answered from batch view ${view.revision} and what arrived since its cut, until the next batch run publishes a whole view.`
    : 'There are no answers about history until the next batch run has counted the archive once more.'
  return damages.map(({ message }) => `Damage to the batch view: ${message}. ${standIn}`)
}
