import { readFileSync } from 'node:fs'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { readConfigFile } from './config-file.ts'

/** Flag of a command line, with its line in the help. */
export interface Flag {
  type: 'string' | 'boolean'
  /** Placeholder of the value in the help. */
  value?: string
  default?: string
  /** True for a flag that may be given more than once. */
  multiple?: true
  /** Variable of the environment with the same meaning. It ranks above a file of settings. */
  variable?: string
  /** True for a flag that only a command line may give, not a file of settings. */
  isOnce?: true
  help: string
}

/** Values of the flags of a command line. */
export type Values<Flags extends Record<string, Flag>> = {
  [Name in keyof Flags]: Flags[Name]['type'] extends 'boolean'
    ? boolean
    : Flags[Name] extends { multiple: true }
      ? string[] | undefined
      : Flags[Name] extends { default: string }
        ? string
        : string | undefined
}

/** Thrown when a command was called incorrectly. Exit code 2; other failures exit with 1. */
export class UsageError extends Error {}

/**
 * Runs a command line program: parses its flags, answers --help and --version, refuses unknown flags, and reports errors in one line.
 */
export async function runCommand<const Flags extends Record<string, Flag>>(
  command: {
    usage: string
    summary: string
    flags: Flags
    /** Maximum number of values without a flag. */
    arguments?: number
    /** Flag that names a file with values of the other flags. */
    settingsFrom?: keyof Flags & string
  },
  main: (values: Values<Flags>, ...positionals: (string | undefined)[]) => Promise<number | undefined>,
): Promise<void> {
  // A line that cannot be written, for example because the disk is full, must not end the work.
  process.stderr.on('error', () => {})
  try {
    const parsed = parse(command)
    if (parsed === 'help') process.stdout.write(helpText(command))
    else if (parsed === 'version') process.stdout.write(`${versionText()}\n`)
    else process.exitCode = (await main(parsed.values, ...parsed.positionals)) ?? 0
  } catch (error) {
    const isUsage = error instanceof UsageError
    process.stderr.write(`${(error as Error).message}\n${isUsage ? 'See --help.\n' : ''}`)
    process.exitCode = isUsage ? 2 : 1
  }
}

function parse<Flags extends Record<string, Flag>>({
  flags,
  arguments: most = 0,
  settingsFrom,
}: {
  flags: Flags
  arguments?: number
  settingsFrom?: keyof Flags & string
}): { values: Values<Flags>; positionals: string[] } | 'help' | 'version' {
  const options: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } }
  // A command may have a flag --version of its own, which replaces the general one.
  for (const [name, { type, multiple = false }] of Object.entries(flags)) options[name] = { type, multiple }
  try {
    const { values, positionals } = parseArgs({ options, strict: true, allowPositionals: most > 0 || 'data' in flags })
    const [surplus] = positionals.slice(most)
    if (surplus !== undefined) {
      throw new Error(`'${surplus}' is one argument too many${'data' in flags ? `: write --data ${surplus}` : ''}`)
    }
    if (values.help) return 'help'
    if (values.version === true) return 'version'
    const file = settingsFrom === undefined ? undefined : values[settingsFrom]
    const settings = typeof file === 'string' ? settingsOf(file, flags) : {}
    return { values: { ...defaultsOf(flags), ...settings, ...values } as Values<Flags>, positionals }
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function defaultsOf(flags: Record<string, Flag>): Record<string, string> {
  const defaults = Object.entries(flags).map(([name, flag]) => [name, flag.default])
  return Object.fromEntries(defaults.filter(([, value]) => value !== undefined))
}

/** Reads a file of settings, without those that the environment replaces. */
function settingsOf(file: string, flags: Record<string, Flag>): Record<string, string | boolean> {
  const allowed = Object.fromEntries(Object.entries(flags).filter(([, { isOnce }]) => !isOnce))
  const settings = Object.entries(readConfigFile(file, allowed))
  return Object.fromEntries(settings.filter(([name]) => !process.env[flags[name]?.variable ?? '']))
}

function helpText({ usage, summary, flags }: { usage: string; summary: string; flags: Record<string, Flag> }): string {
  const rows = Object.entries(flags).map(([name, flag]) => [
    `--${name}${flag.value ? ` ${flag.value}` : ''}`,
    flag.help + (flag.default === undefined ? '' : ` (default ${flag.default})`),
  ])
  rows.push(['--help', 'Show this help'])
  if (!('version' in flags)) rows.push(['--version', 'Show the versions of landcover and Node'])
  const width = Math.max(...rows.map(([left]) => (left as string).length)) + 2
  return `${summary}\n\nUsage: ${usage}\n\n${rows.map(([left, right]) => `  ${(left as string).padEnd(width)}${right}\n`).join('')}`
}

/** Versions of landcover and Node. */
export function versionText(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return `landcover ${version}, Node ${process.versions.node}`
}

/**
 * Parses the value of a flag.
 *
 * @throws UsageError with the flag's name and the error of `parse`
 */
export function flagValue<T>(flag: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text)
  } catch (error) {
    throw new UsageError(`--${flag}: ${(error as Error).message}`)
  }
}

/**
 * Parses a whole number.
 *
 * @throws UsageError unless it is a whole number within the bounds
 */
export function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < least || number > most) {
    throw new UsageError(`--${flag} takes a whole number from ${least} to ${most}, not '${text}'`)
  }
  return number
}
