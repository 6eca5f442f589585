import { observeScene } from '../observe.ts'
import type { Published } from '../output/publish.ts'
import { type ObservationPublisher, publishObservations } from '../output/publish-observations.ts'
import type { Summary } from '../output/rows.ts'
import { type Access, openFilesOf, readItem } from '../scene/item-source.ts'
import { openScene } from '../scene/open-scene.ts'
import { planOfItem } from '../scene/stac-item.ts'
import type { StoredSites } from '../sites/stored-sites.ts'
import type { Arrival } from './message.ts'

/** Ports and settings with which arrived scenes are observed. */
export interface ArrivalObserver {
  access: Access
  sites(): Promise<StoredSites | undefined>
  publisher(): Promise<ObservationPublisher>
  texture: boolean
  minValid: number
}

/** Outcome of an arrived scene. */
export interface ArrivalObserved {
  scene: string
  identity: string
  summary: Summary
  published: Published
}

/**
 * Observes the stored sites in a scene, and publishes them, each image once.
 *
 * @throws ImageError when the scene cannot be observed
 * @throws Error when no sites are stored, or a service does not answer
 */
export async function observeArrival({ address, text }: Arrival, observer: ArrivalObserver): Promise<ArrivalObserved> {
  const { access, texture, minValid } = observer
  const stored = await observer.sites()
  if (!stored) throw new Error('no sites are stored yet: npm run sites -- import FILE')
  const plan = planOfItem(text ?? (await readItem(address, access)), address)
  const open = await openScene(plan, openFilesOf(address, new Set(), access))
  try {
    const options = { rule: 'coverage' as const, texture, minValid }
    const { observations, summary } = await observeScene(plan, open, stored.sites, options)
    const published = await publishObservations(await observer.publisher(), plan, observations, { texture })
    return { scene: plan.sceneId, identity: plan.identity, summary, published }
  } finally {
    await open.close()
  }
}
