import { UsageError, versionText } from './command.ts'

/** Command of `landcover`, the program that the package installs. */
interface Command {
  summary: string
  /** Runs the command, which reads the arguments of the process. */
  load(): Promise<unknown>
}

/** Commands by name, in the order of the help. Each is an npm script of the same name in a checkout. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  start: { summary: 'Run the whole system on this machine', load: () => import('./start.ts') },
  produce: { summary: 'Send events to the log', load: () => import('./produce.ts') },
  import: { summary: 'Import history from files', load: () => import('./import.ts') },
  observe: { summary: 'Measure satellite images', load: () => import('./observe.ts') },
  sites: { summary: 'Import, list and export sites', load: () => import('./sites.ts') },
  evaluate: { summary: 'Judge labelled series by the rules for alerts', load: () => import('./evaluate.ts') },
  alerts: { summary: 'Try out who is told of incidents', load: () => import('./alerts.ts') },
  batch: { summary: 'Count the complete arrival slots', load: () => import('./batch.ts') },
  backfill: { summary: 'Count some arrival days again', load: () => import('./backfill.ts') },
  redrive: { summary: 'Process quarantined events that are valid now', load: () => import('./redrive.ts') },
  replay: { summary: 'Rebuild a lost speed store from the archive', load: () => import('./replay.ts') },
  backup: { summary: 'Copy the state', load: () => import('./backup.ts') },
  restore: { summary: 'Make a state folder from a backup', load: () => import('./restore.ts') },
}

/**
 * Runs the command that the first argument names, with the arguments after it.
 *
 * @throws UsageError for a name that is no command
 */
export async function runNamedCommand([name, ...rest]: readonly string[]): Promise<void> {
  if (name === undefined || name === '--help' || name === '-h') return void process.stdout.write(helpText())
  if (name === '--version') return void process.stdout.write(`${versionText()}\n`)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) throw new UsageError(`'${name}' is not a command: the commands are ${Object.keys(COMMANDS).join(', ')}`)
  process.argv.splice(2, process.argv.length, ...rest)
  await command.load()
}

function helpText(): string {
  const width = Math.max(...Object.keys(COMMANDS).map(name => name.length)) + 2
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}\n`)
  return `Watches the vegetation of a region.\n\nUsage: landcover COMMAND [flags]\n\n${lines.join('')}\nlandcover COMMAND --help describes the flags of a command. --version shows the versions of landcover and Node.\n`
}

/** Runs the command of the command line. A wrong call is told in one line, with exit code 2. */
export function main(): void {
  runNamedCommand(process.argv.slice(2)).catch(error => {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${error.message}\nSee landcover --help.\n`)
    process.exitCode = 2
  })
}
