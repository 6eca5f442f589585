import { jsonLogger } from '../adapters/json-logger.ts'
import { runBatch } from '../batch/run.ts'
import type { View } from '../batch/view.ts'
import { firstCut } from '../core/slot.ts'
import { formatTimestamp } from '../core/time.ts'
import { readEnvironment } from '../homes/environment.ts'
import { openLocalHome } from '../homes/local.ts'
import { serversOf } from '../homes/servers.ts'
import { readState } from '../homes/state.ts'
import { runCommand } from './command.ts'
import { askedServers } from './servers.ts'

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
    const settings = readState(flags.state)
    const environment = readEnvironment(process.env)
    const servers = serversOf(flags.state, settings, askedServers({}, environment))
    const home = await openLocalHome(flags.state, settings, servers, environment, logger)
    try {
      const { view, published, behind } = await runBatch(home.batch)
      for (const { lane, latestSlot } of behind) {
        const reached = latestSlot === null ? 'is not archived yet' : `is archived up to ${formatTimestamp(latestSlot)}`
        process.stderr.write(`lane ${lane} stays behind: it ${reached}\n`)
      }
      process.stdout.write(`${summary(view, published, settings.slotMs)}\n`)
      return 0
    } finally {
      await home.close()
    }
  },
)

function summary(view: View | undefined, published: boolean, slotMs: number): string {
  if (!view) return 'nothing to count yet: no arrival slot is complete'
  const counted = `${view.audit.images} images, ${describeCut(view, slotMs)}`
  return published
    ? `view ${view.revision}: ${counted}; ${view.audit.added} new in ${view.audit.seconds.toFixed(1)} s`
    : `nothing new: view ${view.revision} counts ${counted}`
}

function describeCut({ cut }: View, slotMs: number): string {
  return cut > firstCut(slotMs) ? `all that arrived before ${formatTimestamp(cut)}` : 'imports only'
}
