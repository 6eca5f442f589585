import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'

/** The environment variable names an interpreter that has data/expected/requirements.txt installed. */
const PYTHON = process.env.PYTHON ?? 'python3'

/** Why Python cannot be asked here; null when it can. */
export function withoutPandas(): string | null {
  try {
    execFileSync(PYTHON, ['-c', 'import pandas, pyarrow'], { stdio: 'ignore' })
    return null
  } catch {
    return `${PYTHON} has no pandas and pyarrow: set PYTHON to one that has data/expected/requirements.txt installed`
  }
}

/** What a Python program prints. */
export async function runPython(args: readonly string[], folder?: string): Promise<string> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
  const { stdout } = await promisify(execFile)(PYTHON, [...args], { cwd: folder, env })
  return stdout
}
