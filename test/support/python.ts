import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'

/** Python interpreter. The variable PYTHON can name one that has data/expected/requirements.txt installed. */
const PYTHON = process.env.PYTHON ?? 'python3'

/** Reason why Python with pandas is not available; null if it is. */
export function withoutPandas(): string | null {
  try {
    execFileSync(PYTHON, ['-c', 'import pandas, pyarrow'], { stdio: 'ignore' })
    return null
  } catch {
    return `${PYTHON} has no pandas and pyarrow: set PYTHON to one that has data/expected/requirements.txt installed`
  }
}

/** Output of a Python program. */
export async function runPython(args: readonly string[], folder?: string): Promise<string> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
  const { stdout } = await promisify(execFile)(PYTHON, [...args], { cwd: folder, env })
  return stdout
}
