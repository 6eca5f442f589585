import { type ClassList, isKnownClass } from '../../core/classes.ts'
import { decodeEvent, InvalidEventError, type WireEvent } from '../../core/event.ts'
import { slotOf } from '../../core/slot.ts'
import { ImageError } from '../errors.ts'
import type { ScenePlan } from '../scene/plan.ts'
import { type Published, type PublishOptions, publishScene, type ScenePublisher } from './publish.ts'
import { columnsOf, type Observation, rowOf } from './rows.ts'

/** Ports and settings with which observations are published. */
export interface ObservationPublisher extends ScenePublisher {
  classes: ClassList
  slotMs: number
}

/**
 * Publishes the observations of a scene, each image once: of the command `observe`, and of the function on AWS.
 *
 * @throws ImageError before anything is published, when the system would refuse an event
 */
export async function publishObservations(
  publisher: ObservationPublisher,
  { identity, processingVersion }: Pick<ScenePlan, 'identity' | 'processingVersion'>,
  observations: readonly Observation[],
  { texture, ...options }: PublishOptions & { texture: boolean },
): Promise<Published> {
  const { classes, slotMs } = publisher
  const columns = columnsOf(observations, { texture })
  const events = observations.map(each => {
    const measured = Object.entries(rowOf(columns, each)).filter(([, value]) => value !== null)
    return Object.fromEntries(measured) as unknown as WireEvent
  })
  refuseInvalid(events, classes, slotMs, publisher.time.now())
  return publishScene(publisher, { identity, processingVersion, events }, options)
}

function refuseInvalid(events: readonly WireEvent[], classes: ClassList, slotMs: number, nowMs: number): void {
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
