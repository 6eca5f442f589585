import { restoreState } from '../runtime/local/backup.ts'
import { runCommand, UsageError } from './command.ts'
import { STATE_FLAG } from './runtime.ts'

await runCommand(
  {
    usage: 'npm run restore -- --from DIR --state DIR',
    summary: 'Makes a state folder from a backup. Refuses a backup that is damaged or not finished.',
    flags: {
      from: { type: 'string', value: 'DIR', help: 'Folder that npm run backup wrote' },
      ...STATE_FLAG,
    },
  },
  async ({ from, state }) => {
    if (from === undefined) throw new UsageError('--from DIR is missing: the folder that npm run backup wrote')
    const { startedMs } = await restoreState(from, state)
    const since = new Date(startedMs).toISOString()
    process.stdout.write(
      `${state} holds everything that was acknowledged before ${since}: npm start -- --state ${state}\n`,
    )
    return 0
  },
)
