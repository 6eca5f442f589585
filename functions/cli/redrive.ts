import { toSequenceNumber } from '../core/lane.ts'
import { REJECTION_REASONS, type RejectionReason } from '../core/record.ts'
import { lookBackMs } from '../core/slot.ts'
import { formatTimestamp, MINUTE_MS } from '../core/time.ts'
import { LAST_ATTEMPT_MS, timeFromEpoch } from '../ingest/retry.ts'
import { type Detailed, detailedEntries, type Listed, listQuarantine } from '../redrive/list.ts'
import { type RedriveSummary, redriveQuarantine } from '../redrive/redrive.ts'
import { runCommand, UsageError, wholeNumber } from './command.ts'
import { progressLine } from './progress.ts'
import { RUNTIME_FLAGS, withRuntime } from './runtime.ts'

const AGAIN = `Redriven entries stay redriven. Run this again within ${LAST_ATTEMPT_MS / MINUTE_MS} minutes: after that, entries without an acknowledgement are not continued.`

/** Column headings of the list. */
const HEADINGS = ['reason', 'entries', 'ready', 'redriven', 'uncertain', 'bad', 'first arrival', 'last arrival', 'e.g.']

const NOTHING = 'nothing is quarantined\n'

/** Exit code of a run that a signal ended. */
const INTERRUPTED = 130

await runCommand(
  {
    usage: 'npm run redrive -- [flags]',
    summary:
      'Re-processes quarantined events that are valid now, by appending them to the log. The quarantine stays as it is.',
    flags: {
      ...RUNTIME_FLAGS,
      reason: {
        type: 'string',
        value: 'REASON',
        help: `Only entries with this reason: ${REJECTION_REASONS.join(', ')}`,
      },
      list: { type: 'boolean', help: 'Only list the entries, by reason' },
      detail: {
        type: 'boolean',
        help: 'With --list: list each entry, with its place, its first characters and what is wrong',
      },
      limit: { type: 'string', value: 'N', help: 'Redrive at most N entries (default all)' },
    },
  },
  async flags => {
    const reason = flags.reason === undefined ? undefined : reasonNamed(flags.reason)
    if (flags.list && flags.limit !== undefined) throw new UsageError('--limit: a list changes nothing, leave it out')
    if (flags.detail && !flags.list) throw new UsageError('--detail: belongs to --list')
    const limit = flags.limit === undefined ? undefined : wholeNumber('limit', flags.limit, 1, Number.MAX_SAFE_INTEGER)
    return withRuntime(flags, async runtime => {
      const { classes, slotMs } = runtime
      const redrive = {
        log: await runtime.openLog(),
        store: await runtime.openStore(),
        classes,
        slotMs,
        time: timeFromEpoch(),
      }
      if (flags.list && flags.detail) {
        let count = 0
        for await (const entry of detailedEntries(redrive, reason)) {
          process.stdout.write(linesOf(entry))
          count++
        }
        if (count === 0) process.stdout.write(NOTHING)
        return 0
      }
      if (flags.list) {
        process.stdout.write(tableOf(await listQuarantine(redrive, reason)))
        return 0
      }
      const stopping = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort())
      const progress = progressLine(process.stderr)
      const summary = await redriveQuarantine(redrive, {
        reason,
        ...(limit !== undefined && { limit }),
        signal: stopping.signal,
        onRetry(error) {
          progress.clear()
          process.stderr.write(`not stored yet, sending again: ${error}\n`)
        },
        onProgress: redriven => progress.show(`${redriven} entries redriven`),
      }).catch(error => {
        progress.clear()
        throw new Error(`${(error as Error).message}\n${AGAIN}`, { cause: error })
      })
      progress.clear()
      process.stdout.write(textOf(summary, slotMs))
      if (summary.unacknowledged > 0) return 1
      return summary.stoppedBy === 'signal' ? INTERRUPTED : 0
    })
  },
)

function reasonNamed(name: string): RejectionReason {
  const reason = REJECTION_REASONS.find(known => known === name)
  if (!reason) throw new UsageError(`--reason: there is no reason '${name}'; there are ${REJECTION_REASONS.join(', ')}`)
  return reason
}

function tableOf(listed: ReadonlyMap<RejectionReason, Listed>): string {
  if (listed.size === 0) return NOTHING
  const rows = [...listed]
    .sort(([a], [b]) => REJECTION_REASONS.indexOf(a) - REJECTION_REASONS.indexOf(b))
    .map(([reason, { standings, firstArrivalMs, lastArrivalMs, example }]) => {
      const { ready, redriven, uncertain, bad } = standings
      const counts = [ready + redriven + uncertain + bad, ready, redriven, uncertain, bad].map(String)
      const place = placeOf(example)
      return [reason, ...counts, formatTimestamp(firstArrivalMs), formatTimestamp(lastArrivalMs), place]
    })
  const table = [HEADINGS, ...rows]
  const widths = HEADINGS.map((_, column) => Math.max(...table.map(row => (row[column] as string).length)))
  const isCount = (column: number) => column >= 1 && column <= 5
  const lines = table.map(row =>
    row.map((cell, column) => (isCount(column) ? cell.padStart : cell.padEnd).call(cell, widths[column] as number)),
  )
  return lines.map(cells => `${cells.join('  ').trimEnd()}\n`).join('')
}

function placeOf({ lane, position, line }: Listed['example']): string {
  return `${lane} ${toSequenceNumber(position)} ${line === null ? 'whole record' : `line ${line + 1}`}`
}

function linesOf(entry: Detailed): string {
  const { arrivalMs, reason, standing, detail, beginning, length } = entry
  const shown = length === 0 ? 'no bytes' : `${length} bytes: ${beginning}`
  return `${placeOf(entry)}  ${formatTimestamp(arrivalMs)}  ${reason} (${standing})\n  ${detail}\n  ${shown}\n`
}

function textOf(summary: RedriveSummary, slotMs: number): string {
  const { redriven, events, unacknowledged, uncertain, redrivenBefore, bad, stoppedBy } = summary
  const lines = [`${counted(redriven)} redriven: the log has their ${events} ${events === 1 ? 'event' : 'events'}`]
  if (unacknowledged > 0) {
    lines.push(`${counted(unacknowledged)} not acknowledged: the log may have them or not. ${AGAIN}`)
  }
  if (uncertain > 0) {
    lines.push(
      `${counted(uncertain)} uncertain: an earlier run may have appended them or not, and it is too late to try again; not changed`,
    )
  }
  if (redrivenBefore > 0) lines.push(`${counted(redrivenBefore)} redriven before`)
  for (const [reason, count] of bad) lines.push(`${counted(count)} left, still bad: ${reason}`)
  if (stoppedBy === 'limit') lines.push('stopped at --limit: there are more')
  if (stoppedBy === 'signal') lines.push('stopped: there may be more')
  if (stoppedBy === 'full-lane') {
    const minutes = lookBackMs(slotMs) / MINUTE_MS
    lines.push(`stopped: a lane remembers no more redriven entries at once; run this again in ${minutes} minutes`)
  }
  return `${lines.join('\n')}\n`
}

function counted(entries: number): string {
  return `${entries} ${entries === 1 ? 'entry' : 'entries'}`
}
