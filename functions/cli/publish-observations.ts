import { type ClassList, isKnownClass } from '../core/classes.ts'
import { decodeEvent, InvalidEventError, type WireEvent } from '../core/event.ts'
import { slotOf } from '../core/slot.ts'
import { MINUTE_MS } from '../core/time.ts'
import { ImageError } from '../images/errors.ts'
import { type Published, publishScene } from '../images/output/publish.ts'
import { columnsOf, type Observation, rowOf } from '../images/output/rows.ts'
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
  const columns = columnsOf(observations, options)
  const events = observations.map(each => {
    const measured = Object.entries(rowOf(columns, each)).filter(([, value]) => value !== null)
    return Object.fromEntries(measured) as unknown as WireEvent
  })
  refuseInvalid(events, await runtime.classes(), runtime.slotMs)
  const ports = { objects: runtime.objects, log: await runtime.openLog(), time: timeFromEpoch() }
  const scene = { identity, processingVersion, events }
  const replace = options.replace ? { replace: { slotMs: runtime.slotMs } } : {}
  const outcome = await publishScene({ ...ports, onRetry, signal: options.signal }, scene, replace)
  return toldOf(outcome, processingVersion)
}

function refuseInvalid(events: readonly WireEvent[], classes: ClassList, slotMs: number): void {
  const nowMs = Date.now()
  const unknown = new Set<string>()
  for (const event of events) {
    try {
      const { className } = decodeEvent(event, nowMs)
      if (!isKnownClass(classes, className, slotOf(nowMs, slotMs))) unknown.add(className)
    } catch (error) {
      if (!(error instanceof InvalidEventError)) throw error
      throw new ImageError(`${event.image_id}: ${error.message}; nothing was published`)
    }
  }
  if (unknown.size === 0) return
  const names = [...unknown].sort().slice(0, 20).join(', ')
  throw new ImageError(
    `the system does not know these classes: ${names}. Make them known with npm start -- --classes FILE.csv, or name attributes with --class; nothing was published`,
  )
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
