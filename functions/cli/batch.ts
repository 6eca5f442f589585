import { setTimeout as sleep } from 'node:timers/promises'
import type { BatchRun } from '../batch/run.ts'
import { parseSlotLength } from '../core/slot.ts'
import { flagValue, runCommand, UsageError } from './command.ts'
import { RUNTIME_FLAGS, withRuntime } from './runtime.ts'
import { describeBehind, describeView, explainView } from './views.ts'

await runCommand(
  {
    usage: 'npm run batch -- [flags]',
    summary: 'Runs the batch layer once: counts the complete arrival slots and new imports.',
    flags: {
      ...RUNTIME_FLAGS,
      every: {
        type: 'string',
        value: 'LENGTH',
        help: 'Run repeatedly at this interval, such as 1h, until Ctrl-C',
      },
      explain: { type: 'boolean', help: 'Only show how the current view was made' },
      'ignore-speed': { type: 'boolean', help: 'Publish even if the speed layer has other counts' },
    },
  },
  async flags => {
    const everyMs = flags.every === undefined ? undefined : flagValue('every', flags.every, parseSlotLength)
    if (flags.explain && (everyMs !== undefined || flags['ignore-speed'])) {
      throw new UsageError('--explain only shows the current view: leave --every and --ignore-speed out')
    }
    return withRuntime(flags, async runtime => {
      const say = ({ view, published, behind }: BatchRun) => {
        for (const line of describeBehind(behind)) process.stderr.write(`${line}\n`)
        process.stdout.write(`${describeView(view, published, runtime.slotMs)}\n`)
      }
      if (flags.explain) {
        process.stdout.write(explainView(await runtime.views.current(), runtime.slotMs))
        return 0
      }
      const run = () => runtime.runBatch({ trustSpeed: !flags['ignore-speed'] })
      if (everyMs === undefined) {
        say(await run())
        return 0
      }
      const stopping = new AbortController()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
      while (!stopping.signal.aborted) {
        // A failed run leaves the view unchanged, and the next run may succeed.
        await run().then(say, error => process.stderr.write(`${(error as Error).message}\n`))
        await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => {})
      }
      return 0
    })
  },
)
