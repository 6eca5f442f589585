import { readFileSync } from 'node:fs'

/** Flag as far as a file of settings is concerned. */
interface Setting {
  type: 'string' | 'boolean'
  /** Placeholder of its value. */
  value?: string
}

/**
 * Reads values of flags from a file: a JSON object whose keys are the names of flags. A flag with a value takes a text or
 * a number, one without takes true or false.
 *
 * @param flags flags that the file may set
 * @throws Error with the file, the key, and what to write
 */
export function readConfigFile(
  file: string,
  flags: Readonly<Record<string, Setting>>,
): Record<string, string | boolean> {
  const refuse = (what: string) => new Error(`--config: ${file}${what}`)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`--config: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw refuse(` is not JSON: ${(error as Error).message}`)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw refuse(' is not a JSON object: write for example {"port": 8000, "no-demo": true}')
  }
  const values: Record<string, string | boolean> = {}
  for (const [name, value] of Object.entries(content)) {
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined
    if (!flag) throw refuse(`: '${name}' is not a setting; the settings are ${Object.keys(flags).join(', ')}`)
    values[name] = givenBy(flag, value) ?? throwing(refuse(`: ${name}: ${acceptedBy(flag)}`))
  }
  return values
}

/** Returns the value as a command line gives it; undefined when the flag takes no such value. */
function givenBy(flag: Setting, value: unknown): string | boolean | undefined {
  if (flag.type === 'boolean') return typeof value === 'boolean' ? value : undefined
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function acceptedBy({ type, value }: Setting): string {
  return type === 'boolean' ? 'write true or false' : `write ${value} as a text in quotes, or a number`
}

function throwing(error: Error): never {
  throw error
}
