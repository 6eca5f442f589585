import { readFileSync } from 'node:fs'

/** The project's data/ folder; a deployed bundle has its own copy beside it. */
const DATA = new URL(process.env.LAMBDA_TASK_ROOT ? 'data/' : '../../data/', import.meta.url)

/**
 * Reads a file of the data folder.
 *
 * @param name path below data/
 */
export function readData(name: string): string {
  return readFileSync(new URL(name, DATA), 'utf8')
}
