import { memoryObjectStore } from '../adapters/memory-object-store.ts'
import { readIncidents } from '../batch/incidents-file.ts'
import type { Incident } from '../core/incidents/incident.ts'
import { sentencesOf, titleOf } from '../core/incidents/message-text.ts'
import { DAY_MS, dayOf, formatTimestamp, parseTimestamp } from '../core/time.ts'
import { dryRun, type WouldSend } from '../notify/dry-run.ts'
import { testPost } from '../notify/notify.ts'
import { type AlertsSettings, readAlertsSettings } from '../runtime/config/alerts.ts'
import { openReceivers } from '../runtime/receivers.ts'
import { flagValue, runCommand, UsageError, wholeNumber } from './command.ts'
import { STATE_FLAG, withState } from './runtime.ts'

await runCommand(
  {
    usage: 'npm run alerts -- --test RECEIVER | --dry-run [flags]',
    summary:
      'Tries out the receivers of incidents. --test sends one message to a receiver. --dry-run sends nothing: it prints what\n' +
      'would have been sent, if each incident had become known when it opened; also incidents that came with an import.',
    flags: {
      alerts: { type: 'string', value: 'FILE.json', default: 'alerts.json', help: 'Receivers and routes' },
      test: { type: 'string', value: 'RECEIVER', help: 'Send a test message to this receiver of the file' },
      'dry-run': { type: 'boolean', help: 'Print what would have been sent' },
      days: { type: 'string', value: 'NUMBER', default: '31', help: 'Length of the period of --dry-run' },
      until: { type: 'string', value: 'TIME', help: 'End of the period, such as 2026-11-01 (default: now)' },
      ...STATE_FLAG,
    },
  },
  async flags => {
    if ((flags.test === undefined) === !flags['dry-run']) {
      throw new UsageError('say what to do: --test RECEIVER, or --dry-run')
    }
    const days = wholeNumber('days', flags.days, 1, 36_600)
    const untilMs = flags.until === undefined ? Date.now() : flagValue('until', flags.until, timeOf)
    const settings = flagValue('alerts', flags.alerts, file => readAlertsSettings(file))
    if (flags.test !== undefined) return sendTest(settings, flags.test)
    return withState(flags.state, async ({ objects }) => {
      const found = await readIncidents(objects)
      if (!found) throw new Error('there are no incidents yet: the batch run that counts the first looks makes them')
      if (found.skipped !== null) throw new Error(`incidents were not looked for: ${found.skipped}`)
      const period = { fromMs: untilMs - days * DAY_MS, untilMs }
      const sent = await dryRun({
        ...{ incidents: found.incidents, objects: memoryObjectStore(), receivers: openReceivers(settings) },
        ...{ routes: settings.routes, ...period },
      })
      process.stdout.write(describe(sent, period))
      return 0
    })
  },
)

function timeOf(text: string): number {
  const ms = parseTimestamp(text)
  if (ms === null) throw new Error(`'${text}' is not a time: write it as 2026-11-01 or 2026-11-01T12:00:00Z`)
  return ms
}

async function sendTest(settings: AlertsSettings, name: string): Promise<number> {
  const receiver = openReceivers(settings).get(name)
  if (!receiver) {
    throw new UsageError(
      `--test: there is no receiver '${name}'; there are ${[...settings.receivers.keys()].join(', ')}`,
    )
  }
  const nowMs = Date.now()
  const post = testPost(nowMs, testIncident(formatTimestamp(nowMs)))
  const outcome = await receiver.post(post)
  if (outcome.kind !== 'sent') throw new Error(`the test message was not taken: ${outcome.reason}`)
  process.stdout.write(`A test message was sent to ${name}.\n`)
  const [message] = post.messages
  if (settings.receivers.get(name)?.type !== 'pagerduty' || !message) return 0
  const ended = await receiver.post({ ...post, messages: [{ ...message, kind: 'ended' }] })
  if (ended.kind !== 'sent') throw new Error(`the test incident was triggered, but not resolved: ${ended.reason}`)
  process.stdout.write('It was resolved again.\n')
  return 0
}

/** Incident of a test message. The name of its site says that it is not a real one. */
function testIncident(time: string): Incident {
  return {
    ...{ id: 'test', kind: 'site-change', cause: null, class_name: 'Test', site_id: 'test-message-of-landcover' },
    ...{ state: 'confirmed', severity: 'warning', first_at: time, opened_at: time, closed_at: null },
    ...{ ndvi_change: -0.1, score: -2, sites: 1, part_of: null, lon: null, lat: null, from_import: false },
  }
}

function describe(sent: readonly WouldSend[], { fromMs, untilMs }: { fromMs: number; untilMs: number }): string {
  const lines = sent.flatMap(({ receiver, post }) => [
    `${formatTimestamp(post.atMs)} to ${receiver}${post.isSummary ? ', a summary of what is too much for an hour' : ''}`,
    ...post.messages.map(message => `  ${titleOf(message)}. ${sentencesOf(message).join(' ')}`),
  ])
  const period = `from ${dayOf(fromMs)} to ${dayOf(untilMs)}`
  return `${[...lines, `${sent.length} posts would have been sent ${period}; nothing was sent.`].join('\n')}\n`
}
