import { type CompactionProgress, SLOTS_BEHIND } from '../archive/compaction-progress.ts'
import type { RunStatus } from '../batch/run-status.ts'
import type { ViewChain } from '../batch/view-reader.ts'
import type { Cursor } from '../core/cursor.ts'
import type { Slot } from '../core/slot.ts'
import { DAY_MS, formatTimestamp, MINUTE_MS, SECOND_MS } from '../core/time.ts'

/** Measurements that show whether the system keeps up. */
export interface Signs {
  /** Age of the oldest record that is not applied, ms; null when there is no lane. */
  lagMs: number | null
  cursors: readonly Pick<Cursor, 'lane' | 'lostRecords' | 'lastLossMs'>[]
  /**
   * Reasons why the log returns or accepts no records of a lane, with the time that a record has waited, ms; null when
   * no record waits.
   */
  withheld: readonly { reason: string; waitsMs: number | null }[]
  /** Cut of the batch view; null while no slot is counted. */
  cut: Slot | null
  /** Latest arrival that any lane has applied, ms. */
  arrivedMs: number
  /** Wall clock, ms. */
  nowMs: number
  slotMs: number
  lastRun: RunStatus | undefined
  compaction: CompactionProgress | undefined
  /** Events that arrived in a slot after it was counted. */
  missed: number
  chain: Pick<ViewChain, 'view' | 'damages'>
}

/** Maximum difference between an arrival and this clock that two correct clocks can explain, ms. */
const AHEAD_MS = 5 * MINUTE_MS

/** Maximum normal lag, ms. */
const WORRYING_LAG_MS = MINUTE_MS

/**
 * Maximum normal age of the cut, in slots. The cut lies one slot before the slot of the slowest lane's last archive
 * file. That slot began up to one slot before the file came, and the cut stays for one slot until the next run.
 * CUT_GRACE_MS covers a minute between heartbeats, five minutes of the archive's batching window, and the run.
 */
const CUT_AGE_SLOTS = 3
const CUT_GRACE_MS = 10 * MINUTE_MS

/** Time for which a loss is a reason after it was noticed, ms. The number of lost records of the lane stays. */
const LOSS_TOLD_MS = 7 * DAY_MS

/** Lists the reasons why the system does not keep up, in words for people; an empty list when it does. */
export function healthReasons({
  lagMs,
  withheld,
  cursors,
  nowMs,
  cut,
  arrivedMs,
  slotMs,
  lastRun,
  compaction,
  missed,
  chain,
}: Signs): string[] {
  const reasons: string[] = []
  if (lagMs !== null && lagMs > WORRYING_LAG_MS) {
    reasons.push(`Records wait for ${Math.round(lagMs / SECOND_MS)} s to be counted: the newest are missing.`)
  }
  // A short delay is normal, for example during a transaction.
  const lasting = withheld.filter(({ waitsMs }) => waitsMs === null || waitsMs > WORRYING_LAG_MS)
  for (const reason of new Set(lasting.map(each => each.reason))) reasons.push(`The event log: ${reason}.`)
  for (const { lane, lostRecords, lastLossMs } of cursors) {
    if (lastLossMs === null || nowMs - lastLossMs > LOSS_TOLD_MS) continue
    reasons.push(
      `Up to ${lostRecords} records of ${lane} are missing: the log removed them before they were read (noticed at ${formatTimestamp(lastLossMs)}). Let the log keep its records for longer than the system may be stopped.`,
    )
  }
  // The cut is compared with arrivals, not with the clock: when nothing arrives, nothing is left to count.
  if (cut !== null && arrivedMs - cut > CUT_AGE_SLOTS * slotMs + CUT_GRACE_MS) {
    const lanes = lastRun?.behind.length ? ` (${lastRun.behind.join(', ')})` : ''
    reasons.push(
      `The batch view has stopped at ${formatTimestamp(cut)} while records still arrive: the batch runs fail, or a lane is not archived${lanes}.`,
    )
  }
  if (arrivedMs - nowMs > AHEAD_MS) {
    const minutes = Math.round((arrivedMs - nowMs) / MINUTE_MS)
    reasons.push(
      `The newest record has arrived ${minutes} minutes ahead of this machine's clock, at ${formatTimestamp(arrivedMs)}: a clock was set back, or was wrong. Until the clock has caught up, new images may count as late.`,
    )
  }
  if (lastRun?.error) reasons.push(`The last batch run, at ${lastRun.endedAt}, failed: ${lastRun.error}`)
  if (missed > 0) {
    reasons.push(`${missed} events arrived in a slot after it was counted: npm run backfill counts them.`)
  }
  if (compaction && compaction.behindMs > SLOTS_BEHIND * slotMs) {
    const why = compaction.error === null ? 'it needs more time than it has' : `it fails: ${compaction.error}`
    reasons.push(
      `Small files of the archive since ${formatTimestamp(compaction.from)} are not merged yet: ${why}. Answers are right, but batch runs get slower.`,
    )
  }
  reasons.push(...damageReasons(chain))
  return reasons
}

function damageReasons({ view, damages }: Signs['chain']): string[] {
  const standIn = view
    ? `Answers come from batch view ${view.revision} and the arrivals since its cut, until the next batch run publishes a whole view.`
    : 'There are no answers about history until the next batch run has counted the archive again.'
  return damages.map(({ message }) => `Damage to the batch view: ${message}. ${standIn}`)
}
