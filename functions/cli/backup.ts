import { backupState } from '../runtime/local/backup.ts'
import { readState } from '../runtime/local/state.ts'
import { runCommand, UsageError } from './command.ts'
import { STATE_FLAG } from './runtime.ts'

await runCommand(
  {
    usage: 'npm run backup -- DIR [flags]',
    summary:
      'Copies a state folder into a folder that is not there yet; its system may be running. All that was acknowledged\nbefore is in it. A log or a store that is a server is not: back it up with its own means.',
    flags: STATE_FLAG,
    argument: true,
  },
  async ({ state }, target) => {
    if (target === undefined) throw new UsageError('DIR is missing: the folder to copy to')
    const { log, store } = readState(state)
    const { files } = await backupState(state, target, Date.now)
    const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0)
    process.stdout.write(`${Object.keys(files).length} files, ${bytes} bytes in ${target}\n`)
    for (const [what, address] of Object.entries({ log, store })) {
      if (address !== undefined) process.stdout.write(`not in it: the ${what} ${address}\n`)
    }
    return 0
  },
)
