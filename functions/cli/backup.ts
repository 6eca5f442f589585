import { backupState } from '../runtime/local/backup.ts'
import { readState } from '../runtime/local/state.ts'
import { runCommand, UsageError } from './command.ts'
import { STATE_FLAG } from './runtime.ts'

await runCommand(
  {
    usage: 'npm run backup -- DIR [flags]',
    summary:
      'Copies a state folder to a new folder. The system may be running. The copy holds everything that was acknowledged\nbefore the start of the copy. It does not hold a log or store on a server: back these up with their own tools.',
    flags: STATE_FLAG,
    arguments: 1,
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
