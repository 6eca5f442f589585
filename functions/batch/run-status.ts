import { formatTimestamp } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { BatchRun } from './run.ts'

/** How the last batch run ended; for people, and of no weight for any other run. */
export interface RunStatus {
  endedAt: string
  /** Why it failed; null when it did not. */
  error: string | null
  /** Lanes of the log that are archived less far than others, and hold up the cut. */
  behind: string[]
}

const KEY = 'batch/last-run.json'

/** Does a run and takes note of how it ends. */
export async function recordRun(
  objects: ObjectStore,
  now: () => number,
  run: () => Promise<BatchRun>,
): Promise<BatchRun> {
  const note = (ended: Omit<RunStatus, 'endedAt'>) =>
    objects.put(KEY, Buffer.from(JSON.stringify({ endedAt: formatTimestamp(now()), ...ended } satisfies RunStatus)))
  try {
    const result = await run()
    await note({ error: null, behind: result.behind.map(({ lane }) => lane) })
    return result
  } catch (error) {
    // What failed the run may fail this too.
    await note({ error: (error as Error).message, behind: [] }).catch(() => {})
    throw error
  }
}

export async function readRunStatus(objects: ObjectStore): Promise<RunStatus | undefined> {
  const bytes = await objects.get(KEY)
  return bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as RunStatus)
}
