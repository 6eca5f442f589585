import { importEvents } from '../archive/imports.ts'
import { MINUTE_MS } from '../core/time.ts'
import type { Published } from '../images/output/publish.ts'
import { publishObservations as publishOnce } from '../images/output/publish-observations.ts'
import type { Observation } from '../images/output/rows.ts'
import type { ScenePlan } from '../images/scene/plan.ts'
import { LAST_ATTEMPT_MS, timeFromEpoch } from '../ingest/retry.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** Outcome of publishing, for people. */
export interface Told {
  text: string
  /** True when the log has all events that should be on it. */
  isDone: boolean
  /** True when no further attempt can change that. */
  isFinal: boolean
}

/**
 * Publishes the observations of a scene to a running system, each image once.
 *
 * @param options.signal ends the attempts to append
 * @param options.replace a newer processing version replaces the one that counts
 * @throws ImageError before anything is published, when the system would refuse an event
 */
export async function publishObservations(
  runtime: Runtime,
  { identity, processingVersion }: ScenePlan,
  observations: readonly Observation[],
  options: { texture: boolean; replace: boolean; signal: AbortSignal },
  onRetry: (error: string) => void,
): Promise<Told> {
  const [classes, log] = [await runtime.classes(), await runtime.openLog()]
  const { objects, slotMs } = runtime
  const ports = { objects, log, time: timeFromEpoch(), classes, slotMs, onRetry, signal: options.signal }
  const replace = options.replace ? { replace: { slotMs, importEvents } } : {}
  const publishing = { texture: options.texture, ...replace }
  return toldOf(await publishOnce(ports, { identity, processingVersion }, observations, publishing), processingVersion)
}

function toldOf(outcome: Published, version: string | null): Told {
  const { published, known, replaced, unacknowledged, uncertain, otherVersion } = outcome
  const parts = [`${published} published`]
  if (replaced > 0) {
    parts.push(`${replaced} replace those of the earlier version, from the first view on that counts the earlier ones`)
  }
  if (known > 0) parts.push(`${known} were published before and stay as they are`)
  if (otherVersion) {
    const [theirs, ours] = [otherVersion.version, version].map(each => each ?? 'unknown')
    parts.push(`the scene was published in processing version ${theirs}, which stays: version ${ours} is not published`)
  }
  if (unacknowledged > 0) {
    const minutes = LAST_ATTEMPT_MS / MINUTE_MS
    parts.push(
      `${unacknowledged} not acknowledged: the log may have them or not. Run this again within ${minutes} minutes`,
    )
  }
  if (uncertain > 0) {
    parts.push(`${uncertain} uncertain: an earlier run may have published them or not, and it is too late to try again`)
  }
  return { text: parts.join('; '), isDone: unacknowledged + uncertain === 0, isFinal: unacknowledged === 0 }
}
