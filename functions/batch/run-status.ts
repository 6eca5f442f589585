import { formatTimestamp } from '../core/time.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { BatchRun } from './run.ts'

/** Status of the last batch run, for people. No later run depends on it. */
export interface RunStatus {
  endedAt: string
  /** Reason why it failed; null when it succeeded. */
  error: string | null
  /** Lanes that are archived less far than others, so that the cut waits for them. */
  behind: string[]
}

const KEY = 'batch/last-run.json'

/** Runs `run` and stores its status. */
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
    // The cause of the failure may prevent this write, too.
    await note({ error: (error as Error).message, behind: [] }).catch(() => {})
    throw error
  }
}

/** Reads how the last batch run ended; undefined before the first. */
export async function readRunStatus(objects: ObjectStore): Promise<RunStatus | undefined> {
  const bytes = await objects.get(KEY)
  return bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as RunStatus)
}
