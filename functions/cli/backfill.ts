import { runBackfill } from '../batch/run.ts'
import { DAY_MS, dayOf } from '../core/time.ts'
import { flagValue, runCommand, UsageError } from './command.ts'
import { RUNTIME_FLAGS, withRuntime } from './runtime.ts'
import { describeView } from './views.ts'

await runCommand(
  {
    usage: 'npm run backfill -- --from DAY --to DAY [flags]',
    summary: 'Counts some arrival days (UTC) again from the archive, and replaces their counts in the batch view.',
    flags: {
      from: { type: 'string', value: 'DAY', help: 'First arrival day, YYYY-MM-DD' },
      to: { type: 'string', value: 'DAY', help: 'Last arrival day (default the first)' },
      ...RUNTIME_FLAGS,
    },
  },
  async flags => {
    if (flags.from === undefined) throw new UsageError('--from DAY is missing')
    const from = flagValue('from', flags.from, parseDay)
    const to = flagValue('to', flags.to ?? flags.from, parseDay)
    if (to < from) throw new UsageError(`--to ${to} is before --from ${from}`)
    return withRuntime(flags, async runtime => {
      const { view, published } = await runBackfill(await runtime.openBatch(), from, to)
      process.stdout.write(
        view ? `${describeView(view, published, runtime.slotMs)}\n` : 'there is no view yet: npm run batch\n',
      )
      return 0
    })
  },
)

function parseDay(text: string): string {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms) || ms < DAY_MS || dayOf(ms) !== text)
    throw new Error(`'${text}' is not a day: write it as 2026-11-22`)
  return text
}
