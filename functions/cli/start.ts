import { runCommand } from './command.ts'
import { START_FLAGS } from './start-flags.ts'

await runCommand(
  {
    usage: 'npm start -- [flags]',
    summary: 'Runs the whole system on this machine: event log, speed and batch layer, API and dashboard.',
    flags: START_FLAGS,
    settingsFrom: 'config',
  },
  // Modules that the system needs are loaded only when it runs, so that --help answers at once.
  async flags => (await import('./run-system.ts')).runSystem(flags),
)
