import { jsonLogger } from '../adapters/json-logger.ts'
import { runBatch } from '../batch/run.ts'
import { formatTimestamp } from '../core/time.ts'
import { openEmbeddedHome } from '../homes/embedded.ts'
import { readState } from '../homes/state.ts'
import { runCommand } from './command.ts'

await runCommand(
  {
    usage: 'npm run batch -- [flags]',
    summary: 'Runs the batch layer once, now: counts the arrival slots that are complete, and new imports.',
    flags: {
      state: { type: 'string', value: 'DIR', default: '.landcover/state', help: 'Folder that holds all state' },
    },
  },
  async flags => {
    const logger = jsonLogger(line => process.stderr.write(line))
    const home = await openEmbeddedHome(flags.state, readState(flags.state), logger)
    try {
      const { view, published, behind } = await runBatch(home.batch)
      for (const { lane, latestSlot } of behind) {
        const reached = latestSlot === null ? 'is not archived yet' : `is archived up to ${formatTimestamp(latestSlot)}`
        process.stderr.write(`lane ${lane} stays behind: it ${reached}\n`)
      }
      if (!view) return 1
      const { images, added, seconds } = view.audit
      process.stdout.write(
        published
          ? `view ${view.revision}: all arrivals before ${formatTimestamp(view.cut)}, ${images} images (${added} new) in ${seconds.toFixed(1)} s\n`
          : `nothing new: view ${view.revision} counts all complete slots, up to ${formatTimestamp(view.cut)}\n`,
      )
      return 0
    } finally {
      await home.close()
    }
  },
)
